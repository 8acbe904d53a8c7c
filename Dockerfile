# The program alone, on a small base: docker build -t tidings .
FROM rust:1-bookworm AS build
WORKDIR /source
COPY . .
# Statements are checked against what .sqlx remembers of the database.
ENV SQLX_OFFLINE=true
RUN cargo build --release --locked -p tidings

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin tidings \
    && install -d -o tidings -g tidings /data
COPY --from=build /source/target/release/tidings /usr/local/bin/tidings
USER tidings
VOLUME /data
ENV TIDINGS_DATA=/data TIDINGS_LISTEN=0.0.0.0:8080 TIDINGS_LOG_FORMAT=json
EXPOSE 8080 9090
# SIGTERM drains: no new work is taken up, attempts under way are settled.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/tidings"]
CMD ["serve"]
