# Installs Ansible into the folder $2 from the wheels in the folder $1, by the pip among them,
# which takes none with another hash. They are for one version of Python, which Amazon Linux
# has as a package.
install_ansible() {
  local python pip=("$1"/pip-*.whl)
  python="python$(< "$1/python")"
  if ! command -v "$python" > /dev/null; then
    dnf --assumeyes --quiet install "$python" || return
  fi
  "$python" -m venv --without-pip "$2" || return
  PYTHONPATH="${pip[0]}" "$2/bin/python" -m pip --isolated install --quiet --no-cache-dir \
    --no-compile --disable-pip-version-check --no-index --find-links "$1" --require-hashes \
    --requirement "$1/requirements.txt"
}
