# Fetches the bundle, checks it, and hands over to the supervisor.
install -d -m 700 "$LIGHTSOUT_STATE"
cd "$LIGHTSOUT_STATE"

fetch_bundle() {
  local s3="${AWS_ENDPOINT_URL_S3:-${AWS_ENDPOINT_URL:-https://s3.$AWS_REGION.amazonaws.com}}"
  signed_curl s3 --header 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \
    --output bundle.zip "${s3%/}/$BUNDLE_BUCKET/$BUNDLE_KEY"
}
persist 30 fetch_bundle || power_off 'the master bundle cannot be fetched'

# The bundle's name tells what it holds, however that was compressed: name, mode
# and bytes of each file, and before each of the three its length.
verify_bundle() {
  python3 - "$BUNDLE_DIGEST" << 'PYTHON'
import hashlib
import sys
import zipfile

digest = hashlib.sha256()
with zipfile.ZipFile("bundle.zip") as bundle:
    for entry in sorted(bundle.infolist(), key=lambda entry: entry.filename.encode()):
        mode = entry.external_attr >> 16 & 0o777
        for part in (entry.filename.encode(), b"%o" % mode, bundle.read(entry)):
            digest.update(len(part).to_bytes(8, "big") + part)
if digest.hexdigest() != sys.argv[1]:
    sys.exit("the digest of bundle.zip is another")
PYTHON
}
verify_bundle || power_off 'the master bundle is not the one that was deployed'
python3 -m zipfile -e bundle.zip bundle
rm bundle.zip
chmod 700 bundle/master bundle/worker
bundle/master --version > /dev/null || power_off 'the master binary does not run here'

{
  export -p
  printf 'exec %q/bundle/master supervise\n' "$LIGHTSOUT_STATE"
} > supervisor.sh
start_service supervisor
