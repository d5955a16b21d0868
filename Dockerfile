# gome for machines without Linux, and for whoever wants no installation: `make image`.
#
#   docker run --rm -it -v "$PWD:/data" -p 127.0.0.1:8631:8631 \
#     --security-opt seccomp=unconfined --security-opt systempaths=unconfined gome run train.csv --target price
#
# Scripts run in gome's own sandbox inside the container. Bubblewrap needs the two options above, because Docker's default
# profile forbids new namespaces; without them gome uses Landlock, and says which gaps that leaves (`gome doctor`).
FROM python:3.12-slim
COPY . /src
RUN pip install --no-cache-dir "/src[anthropic,files]" && rm -rf /src && useradd --create-home --uid 1000 gome
USER gome
WORKDIR /data
ENV GOME_RUNS=/data/runs
# `gome view --host 0.0.0.0` inside, and the port published on 127.0.0.1 alone, as above.
EXPOSE 8631
ENTRYPOINT ["gome"]
CMD ["--help"]
