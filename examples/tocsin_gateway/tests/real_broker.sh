#!/bin/bash
# Runs the Kafka tests of the gateway on a real broker: one KRaft node on the loopback interface, in a
# scratch folder that is removed at the end. Needs java and mvn; Maven fetches Kafka.
#     examples/tocsin_gateway/tests/real_broker.sh build/test/examples/tocsin_gateway_kafka_tests
# KAFKA_VERSION chooses another version, KAFKA_JARS a folder with its jars, in which case nothing is
# fetched. Further arguments go to the tests.
set -euo pipefail
tests=${1:?the program tocsin_gateway_kafka_tests}
shift
version=${KAFKA_VERSION:-3.9.1}
scratch=$(mktemp -d)
broker=
clean_up() {
    if [ -n "$broker" ]; then
        kill "$broker" 2>/dev/null || true
        wait "$broker" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap clean_up EXIT

jars=${KAFKA_JARS:-}
if [ -z "$jars" ]; then
    jars=$scratch/jars
    cat >"$scratch/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>scratch</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
POM
    mvn -q -B -f "$scratch/pom.xml" dependency:copy-dependencies "-DoutputDirectory=$jars"
fi

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
port=$(free_port)
controller=$(free_port)
cat >"$scratch/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
listeners=BROKER://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=BROKER://127.0.0.1:$port
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:$controller
log.dirs=$scratch/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=500
group.min.session.timeout.ms=1000
PROPERTIES
run() { java -Xmx512m -XX:+UseSerialGC -cp "$jars/*" "$@"; }
run kafka.tools.StorageTool format -t "$(run kafka.tools.StorageTool random-uuid)" \
    -c "$scratch/server.properties" >"$scratch/format.log" 2>&1
java -Xmx512m -XX:+UseSerialGC -cp "$jars/*" kafka.Kafka "$scratch/server.properties" \
    >"$scratch/broker.log" 2>&1 &
broker=$!
for _ in $(seq 120); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        break
    fi
    kill -0 "$broker" || { cat "$scratch/broker.log"; exit 1; }
    sleep 0.5
done
echo "Kafka $version on 127.0.0.1:$port"
TOCSIN_KAFKA_BROKERS=127.0.0.1:$port "$tests" "$@"
