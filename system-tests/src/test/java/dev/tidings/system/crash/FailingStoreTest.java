// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.crash;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.log.Retention;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.store.Durability;
import dev.tidings.core.store.FaultyStore;
import dev.tidings.core.store.FaultyStore.Method;
import dev.tidings.core.store.FaultyStore.Rates;
import dev.tidings.core.store.MemoryStore;
import dev.tidings.core.store.Store;
import dev.tidings.server.Server;
import dev.tidings.server.ServerSettings;
import dev.tidings.server.auth.Logins;
import dev.tidings.server.auth.Passwords;
import dev.tidings.server.exchange.ExchangeApi;
import dev.tidings.server.pubsub.PubsubApi;
import dev.tidings.server.relay.RelayApi;
import dev.tidings.server.streams.StreamsApi;
import dev.tidings.server.wire.Edge;
import dev.tidings.store.rocksdb.RocksOptions;
import dev.tidings.store.rocksdb.RocksStore;
import dev.tidings.system.crash.StreamClient.Outgoing;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

/// The real server on a store that fails: publishes are refused with 503, everything that needs no
/// store goes on, and it heals without a restart.
@Tag("embedded")
@Timeout(60)
final class FailingStoreTest {
  private static final List<String> TOPICS = KillTest.TOPICS;
  private static final Duration SOON = Duration.ofSeconds(15);
  private static final String PASSWORD = "password-of-the-admin";

  /// The server tells each failure at length; here they come by the hundred, and are meant.
  private final Logger log = (Logger) LoggerFactory.getLogger("dev.tidings");

  @TempDir private Path directory;

  @BeforeEach
  void beQuiet() {
    log.setLevel(Level.OFF);
  }

  @AfterEach
  void beLoud() {
    log.setLevel(null);
  }

  /// A server on `store`, with little memory for recent messages, so that the store is read too.
  private record Running(Server server, Relay relay) implements AutoCloseable {
    static Running start(Store store) throws Server.StartException {
      var settings =
          new ServerSettings(
              "127.0.0.1",
              0,
              Optional.empty(),
              2,
              1_000,
              Duration.ofSeconds(1),
              1 << 20,
              64 << 20,
              64 << 10,
              1 << 20,
              true,
              Edge.Settings.OPEN,
              Optional.empty(),
              "a-secret-key-of-the-system-tests-0123456789",
              new Logins.Settings(Duration.ofHours(1), Duration.ofDays(30), 1_000),
              Duration.ofMinutes(30),
              new Passwords.Settings(19 << 20, 2, 1, 16),
              Optional.empty(),
              Durability.FSYNC,
              100,
              new Node.Limits(
                  256 << 10, 1 << 20, 1_000, 16 << 20, new CommitLane.Limits(100, 1 << 20)),
              new Retention.Limits(0, 0, 0),
              new Retention.Limits(0, 0, 0),
              Duration.ofDays(366),
              Duration.ofHours(1),
              new RelayApi.Settings(
                  Duration.ofSeconds(25),
                  Duration.ofSeconds(60),
                  50,
                  256 << 10,
                  256,
                  100,
                  1_000,
                  1_000,
                  1_000),
              new PubsubApi.Settings(
                  false,
                  new DeliveryPolicy(5, 5_000, 300_000, OptionalLong.empty()),
                  Duration.ofSeconds(60)),
              new StreamsApi.Settings(
                  false, 1000, Duration.ofMinutes(5), Duration.ofDays(365), 100, 100),
              new ExchangeApi.Settings(
                  false, new DeliveryPolicy(5, 5_000, 300_000, OptionalLong.empty())));
      Server server =
          Server.start(
              settings,
              store,
              Optional.of(new Server.Bootstrap("admin", PASSWORD, Optional.empty())));
      URI url = URI.create("http://127.0.0.1:" + server.port());
      return new Running(server, Relay.login(url, "admin", PASSWORD));
    }

    @Override
    public void close() {
      server.stop();
    }
  }

  @Test
  void storeDown_refusesWhatASocketPublishes_withAHintToTryAgain() throws Exception {
    var store = new FaultyStore(new MemoryStore(), 1);
    try (Running running = Running.start(store);
        PublishingSocket socket = PublishingSocket.open(running.relay())) {
      socket.publish(1);
      assertThat(socket.next().get("type").asString()).isEqualTo("published");

      store.down();
      for (int id = 2; id < 4; id++) {
        socket.publish(id);
        var refusal = socket.next();
        assertThat(refusal.get("code").asString()).as("%s", refusal).isEqualTo("UNAVAILABLE");
        assertThat(refusal.get("retry_after").asInt()).isPositive();
        assertThat(refusal.get("id").asInt()).isEqualTo(id);
      }
      store.up();
      Waiting.until(
          "it publishes again",
          SOON,
          () -> {
            socket.publish(4);
            return socket.next().get("type").asString().equals("published");
          });
    }
  }

  @Test
  void storeDown_refusesDurableSends_andStreamsInMemoryGoOn() throws Exception {
    var store = new FaultyStore(new MemoryStore(), 1);
    try (Running running = Running.start(store)) {
      Relay relay = running.relay();
      var stream = new StreamClient(relay, "mixed");
      Map<String, Boolean> durable = Map.of("writeToDB", true);
      stream.send(Outgoing.of(0, 0), durable).expect(200);

      store.down();
      Outgoing refused = Outgoing.of(0, 1);
      for (int i = 0; i < 2; i++) {
        Relay.Answer answer = stream.send(refused, durable).expect(503);
        assertThat(answer.retryAfter()).as("Retry-After").isPresent();
        assertThat(answer.json().get("error").asString()).isNotBlank();
      }
      stream.send(Outgoing.of(0, 2), Map.of()).expect(200);
      var fresh = new StreamClient(relay, "fresh");
      fresh.send(Outgoing.of(0, 3), Map.of()).expect(200);
      assertThat(fresh.takeAll()).extracting(StreamClient.Stored::number).containsExactly(3);
      assertThat(stream.takeAll()).extracting(StreamClient.Stored::number).containsExactly(0, 2);

      store.up();
      Waiting.until("ready again", SOON, relay::isReady);
      stream.send(refused, durable).expect(200);
      stream.send(Outgoing.of(0, 4), durable).expect(200);
      assertThat(stream.replayAll(""))
          .extracting(StreamClient.Stored::number)
          .containsExactly(0, 1, 4);
      assertThat(stream.takeAll()).extracting(StreamClient.Stored::number).containsExactly(1, 4);
    }
  }

  @Test
  void storeDown_refusesAndReadsOn_andHealsByItself() throws Exception {
    var store = new FaultyStore(new MemoryStore(), 1);
    try (Running running = Running.start(store)) {
      Relay relay = running.relay();
      String topic = "topic";
      relay.publishNumber(topic, 0);
      try (Follower follower = Follower.start(() -> relay, topic)) {
        Waiting.until("the first on the socket", SOON, () -> follower.received().size() == 1);

        store.down();
        // The first to meet it waits until it is clear what became of its batch, or for 5 s.
        relay.publish(topic, Map.of("p", 0, "n", 1)).expectUnavailable();
        relay.publish(topic, Map.of("p", 0, "n", 2)).expectUnavailable();
        relay.publish("a-new-topic", Map.of("p", 0, "n", 3)).expectUnavailable();
        var bulk =
            relay
                .bulk(List.of(Map.of("topic", topic, "payload", Map.of("p", 0, "n", 4))))
                .expect(207)
                .json();
        assertThat(bulk.get("summary").get("rejected").asInt()).isEqualTo(1);
        relay.post("/api/v1/topics", Map.of("topic_name", "another")).expectUnavailable();
        assertThat(relay.get("/ready").expect(503).json().get("ready").asBoolean()).isFalse();
        relay.get("/health").expect(200);
        relay.get("/metrics").expect(200);
        relay.get("/auth/me").expect(200);
        var poll = relay.pollAfter(topic, "start");
        assertThat(poll.get("messages")).as("read from memory").hasSize(1);

        store.up();
        Waiting.until("ready again", SOON, relay::isReady);
        relay.publishNumber(topic, 5);
        var stored = relay.readAll(List.of(topic)).get(topic);
        assertThat(stored).extracting(Relay.Stored::number).containsExactly(0, 5);
        follower.expect(stored);
        assertThat(follower.sockets()).as("sockets: the first stayed open").isEqualTo(1);
        relay.get("/api/v1/topics/a-new-topic").expect(404);
        relay.get("/api/v1/topics/another").expect(404);
      }
    }
  }

  private static LongStream seeds() {
    return new Random().longs(3);
  }

  private static LongStream manySeeds() {
    return new Random().longs(60);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void randomFaults_storeExactlyWhatWasAnswered(long seed) throws Exception {
    failAtRandom(seed);
  }

  @Tag("long")
  @ParameterizedTest
  @MethodSource("manySeeds")
  void manyRandomFaults_storeExactlyWhatWasAnswered(long seed) throws Exception {
    failAtRandom(seed);
  }

  private Store storeOf(Random random) throws Exception {
    return random.nextBoolean()
        ? new MemoryStore()
        : RocksStore.open(
            RocksOptions.of(directory.resolve("store"), Durability.FSYNC)
                .withMemory(8 << 20, 1 << 20)
                .withDiskLowWater(0));
  }

  private void failAtRandom(long seed) throws Exception {
    System.out.println("FailingStoreTest: faults with seed " + seed);
    var random = new Random(seed);
    var store = new FaultyStore(storeOf(random), random.nextLong());
    try (Running running = Running.start(store)) {
      Relay relay = running.relay();
      var ledger = new Ledger();
      List<Follower> followers = new ArrayList<>();
      TOPICS.forEach(topic -> followers.add(Follower.start(() -> relay, topic)));
      try {
        Rates often = new Rates(0.02, 0.02, 0.02);
        store
            .rate(Method.COMMIT, often)
            .rate(Method.WAS_COMMITTED, new Rates(0.1, 0.1, 0.1))
            .rate(Method.REOPEN, new Rates(0.1, 0.1, 0.1))
            .rate(Method.EXTENT, new Rates(0.1, 0, 0))
            .rate(Method.READ, new Rates(0.1, 0, 0));
        try (Load _ = Load.start(relay, ledger, TOPICS, Load.publishers(8, seed))) {
          Waiting.until(
              "faults have struck and been healed",
              Duration.ofSeconds(40),
              () -> store.injected() >= 15 && ledger.answered() >= 1_000);
        }
        store.faultsOff();
        relay.publish("probe", Map.of("p", 0, "n", 0));
        Waiting.until("ready again", SOON, relay::isReady);

        var stored = relay.readAll(TOPICS);
        ledger.check(stored);
        for (int i = 0; i < TOPICS.size(); i++) {
          followers.get(i).expect(stored.get(TOPICS.get(i)));
        }
      } finally {
        followers.forEach(Follower::close);
      }
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("with seed " + seed + ": " + e.getMessage(), e);
    }
  }
}
