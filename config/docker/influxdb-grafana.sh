#!/bin/bash
# Run once by the container of InfluxDB, at its very first start: an account by which Grafana can read and nothing else.
set -euo pipefail
influx v1 auth create \
    --org "$DOCKER_INFLUXDB_INIT_ORG" \
    --username grafana \
    --password "$(cat /run/secrets/influxdb-grafana-password)" \
    --read-bucket "$DOCKER_INFLUXDB_INIT_BUCKET_ID" >/dev/null
