# Stationmaster as a container: one binary, no root, nothing written but /data. Run it with a read-only file system:
#   docker run --read-only --tmpfs /tmp --volume state:/data --network host stationmaster
FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock askama.toml ./
COPY src ./src
COPY migrations ./migrations
COPY messages ./messages
RUN cargo build --release --locked --bin stationmaster

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --create-home stationmaster
COPY --from=build /build/target/release/stationmaster /usr/local/bin/stationmaster
COPY stationmaster.toml /app/
COPY commands /app/commands
WORKDIR /app
ENV STATIONMASTER_DATA=/data STATIONMASTER_LOG__FORMAT=json
VOLUME /data
USER 10001
ENTRYPOINT ["stationmaster"]
