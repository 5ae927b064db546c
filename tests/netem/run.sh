#!/bin/sh
# Run the tries of this folder in a network namespace of their own. What is made in
# it ends with the last of its processes, however that ends: nothing is to be cleaned.
# Usage: tests/netem/run.sh path/to/pytest
set -eu

if [ "$(id -u)" -ne 0 ]; then
  echo "make netem needs root, for network namespaces: run it as root (sudo make netem)." >&2
  exit 1
fi
for tool in ip tc unshare nsenter; do
  if ! command -v "$tool" > /dev/null; then
    echo "make netem needs the command $tool: install iproute2 and util-linux." >&2
    exit 1
  fi
done
TAPSTER_NETEM=1 exec unshare --net -- "$1" -m netem -s tests/netem
