#!/bin/sh
# Makes the secrets that compose.yaml names, once: ./make-secrets.sh [FOLDER] (default: secrets beside this file).
#
# Each file belongs to the user of the container that reads it, mode 0600; so run it as root.
# It needs mosquitto_passwd (Debian package mosquitto) or docker. Files that are there are kept.
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
[ "$(id -u)" = 0 ] || { echo "make-secrets.sh: run it as root, the files get different owners." >&2; exit 2; }

random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# secret NAME OWNER VALUE
secret() {
    if [ -e "$folder/$1" ]; then
        echo "kept $1" >&2
        return
    fi
    printf '%s\n' "$3" >"$folder/$1.new"
    chown "$2:$2" "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
    echo "made $1" >&2
}

influxdb=1000 grafana=472 mosquitto=1883 dodac=10001 # users inside the containers

secret influx-admin-password $influxdb "$(random)"
secret influx-admin-token $influxdb "$(random)"
# the same token to begin with; README.md says how to give each its own narrower one
secret influx-token $dodac "$(cat "$folder/influx-admin-token")"
secret influx-token-grafana $grafana "$(cat "$folder/influx-admin-token")"
secret grafana-admin-password $grafana "$(random)"
secret page-token $dodac "$(random)"
secret mqtt-password $dodac "$(random)"

if [ ! -e "$folder/mosquitto-passwd" ]; then
    line="dodac:$(cat "$folder/mqtt-password")"
    printf '%s\n' "$line" >"$folder/mosquitto-passwd.new"
    # -U turns the passwords of the file into hashes
    if command -v mosquitto_passwd >/dev/null; then
        mosquitto_passwd -U "$folder/mosquitto-passwd.new"
    else
        docker run --rm -v "$folder:/secrets" eclipse-mosquitto:2.0.22 mosquitto_passwd -U /secrets/mosquitto-passwd.new
    fi
    chown $mosquitto:$mosquitto "$folder/mosquitto-passwd.new"
    mv "$folder/mosquitto-passwd.new" "$folder/mosquitto-passwd"
    echo "made mosquitto-passwd" >&2
fi
chmod 755 "$folder" # the folder can be entered, its files can be read by their owners only
