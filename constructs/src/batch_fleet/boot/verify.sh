# Fails unless the zip $1 holds what the digest $2 tells, however that was compressed:
# name, mode and bytes of each file, and before each of the three its length.
verify() {
  python3 - "$1" "$2" << 'PYTHON'
import hashlib
import sys
import zipfile

digest = hashlib.sha256()
with zipfile.ZipFile(sys.argv[1]) as bundle:
    for entry in sorted(bundle.infolist(), key=lambda entry: entry.filename.encode()):
        mode = entry.external_attr >> 16 & 0o777
        for part in (entry.filename.encode(), b"%o" % mode, bundle.read(entry)):
            digest.update(len(part).to_bytes(8, "big") + part)
if digest.hexdigest() != sys.argv[2]:
    sys.exit(f"the digest of {sys.argv[1]} is another")
PYTHON
}
