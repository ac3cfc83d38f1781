# Installs Ansible into the folder $2 from the wheels in the folder $1; pip takes none with
# another hash. They are for one version of Python, which Amazon Linux has as a package.
install_ansible() {
  local python
  python="python$(< "$1/python")"
  if ! command -v "$python" > /dev/null; then
    dnf --assumeyes --quiet install "$python" || return
  fi
  "$python" -m venv "$2" || return
  "$2/bin/python" -m pip --isolated install --quiet --no-cache-dir --disable-pip-version-check \
    --no-index --find-links "$1" --require-hashes --requirement "$1/requirements.txt"
}
