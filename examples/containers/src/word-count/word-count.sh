#!/bin/sh
# Counts what is in the payload, however large it is: the file is always there.
set -e
echo "$(wc -c < "$LIVEJOB_PAYLOAD_FILE") bytes"
