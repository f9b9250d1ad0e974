// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app;

import dev.tidings.app.client.AdminSocket;
import dev.tidings.app.config.Secret;
import dev.tidings.app.config.TidingsConfig;
import dev.tidings.core.directory.DeliveryPolicy;
import dev.tidings.core.exchange.ExchangeLimits;
import dev.tidings.core.idempotency.Receipts;
import dev.tidings.core.log.Retention;
import dev.tidings.core.runtime.CommitLane;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.schedule.ScheduleLimits;
import dev.tidings.core.store.Store;
import dev.tidings.core.stream.StreamLimits;
import dev.tidings.core.subscription.Deliveries;
import dev.tidings.core.subscription.Subscriptions;
import dev.tidings.server.Server;
import dev.tidings.server.ServerSettings;
import dev.tidings.server.auth.Logins;
import dev.tidings.server.auth.Passwords;
import dev.tidings.server.exchange.ExchangeApi;
import dev.tidings.server.pubsub.PubsubApi;
import dev.tidings.server.relay.RelayApi;
import dev.tidings.server.streams.StreamsApi;
import dev.tidings.server.tls.TlsSettings;
import dev.tidings.server.wire.Edge;
import dev.tidings.server.wire.RateLimits;
import dev.tidings.store.rocksdb.FileSyncListener;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/// One running server: the place where everything is put together.
public final class Tidings {
  /// Bodies being received together, as a multiple of the largest one.
  private static final int BODIES_AT_ONCE = 64;

  /// Encoded frames kept for sockets that are behind.
  private static final long FRAME_CACHE_BYTES = 64L << 20;

  private static final int MAX_EVENT_LOOPS = 64;

  private final DataDirectory directory;
  private final Server server;

  private Tidings(DataDirectory directory, Server server) {
    this.directory = directory;
    this.server = server;
  }

  /// Starts a server; when this returns it accepts requests.
  ///
  /// @throws StartException if it cannot start, with a message for the operator
  public static Tidings start(TidingsConfig config) throws StartException {
    return start(config, FileSyncListener.NONE);
  }

  /// As above, with an ear on which bytes of the embedded store's files reached the disk: what a
  /// test needs to play a power cut.
  ///
  /// @throws StartException if it cannot start, with a message for the operator
  public static Tidings start(TidingsConfig config, FileSyncListener listener)
      throws StartException {
    ServerSettings settings = settings(config);
    // A store in memory has it only for the socket, and two servers cannot share that either.
    DataDirectory directory = DataDirectory.take(config.store().dataDir());
    boolean started = false;
    try {
      Store store = Stores.open(config, listener);
      Tidings tidings = new Tidings(directory, Server.start(settings, store, bootstrap(config)));
      started = true;
      return tidings;
    } catch (Server.StartException e) {
      throw new StartException(String.valueOf(e.getMessage()), e);
    } finally {
      if (!started) {
        directory.close();
      }
    }
  }

  private static Optional<Server.Bootstrap> bootstrap(TidingsConfig config) {
    return config
        .auth()
        .bootstrapAdmin()
        .map(admin ->
            new Server.Bootstrap(
                admin.username(),
                admin.password().value(),
                Optional.of(admin.email().orElse(admin.username() + "@example.com"))));
  }

  private static ServerSettings settings(TidingsConfig config) {
    TidingsConfig.Server server = config.server();
    return new ServerSettings(
        server.host(),
        server.port(),
        tls(config),
        eventLoops(server),
        server.maxConnections(),
        server.shutdownTimeout().dividedBy(2),
        server.maxBodySize(),
        server.maxBodySize() * BODIES_AT_ONCE,
        (int) config.websocket().maxFrameSize(),
        FRAME_CACHE_BYTES,
        server.pages(),
        edge(config),
        Optional.of(config.store().dataDir().resolve(AdminSocket.FILE)),
        config.auth().secretKey().map(Secret::value).orElseThrow(),
        new Logins.Settings(
            config.auth().accessTokenLifetime(),
            config.auth().refreshTokenLifetime(),
            config.auth().loginsPerUser()),
        config.auth().clientTokenLifetime(),
        passwords(config.auth().passwordHash()),
        config.dev()
            ? config.auth().bootstrapAdmin().map(TidingsConfig.BootstrapAdmin::username)
            : Optional.empty(),
        Stores.durability(config),
        config.metrics().maxTopicLabels(),
        node(config),
        new Retention.Limits(
            config.retention().maxAge().toMillis(),
            config.retention().maxMessages(),
            config.retention().maxBytes()),
        new Retention.Limits(
            config.subscriptions().backlogMaxAge().toMillis(),
            0,
            config.subscriptions().backlogMaxBytes()),
        config.scheduled().maxDelay(),
        config.retention().sweepInterval(),
        relay(config),
        pubsub(config),
        streams(config.streams()),
        exchanges(config));
  }

  private static PubsubApi.Settings pubsub(TidingsConfig config) {
    return new PubsubApi.Settings(
        config.pubsub().anonymous() == TidingsConfig.Anonymous.ALL,
        policy(config.pubsub()),
        config.subscriptions().maxWait());
  }

  private static DeliveryPolicy policy(TidingsConfig.Pubsub pubsub) {
    return new DeliveryPolicy(
        pubsub.maxDeliveryAttempts(),
        pubsub.backoffMin().toMillis(),
        pubsub.backoffMax().toMillis(),
        OptionalLong.empty());
  }

  private static ExchangeApi.Settings exchanges(TidingsConfig config) {
    return new ExchangeApi.Settings(
        config.exchanges().anonymous() == TidingsConfig.Anonymous.ALL, policy(config.pubsub()));
  }

  private static StreamsApi.Settings streams(TidingsConfig.Streams streams) {
    return new StreamsApi.Settings(
        streams.anonymous() == TidingsConfig.Anonymous.ALL,
        streams.maxSize(),
        streams.maxTimeout(),
        streams.maxTtl(),
        streams.maxWaiters(),
        streams.maxWaitersPerUser());
  }

  private static Subscriptions.Limits subscriptions(TidingsConfig.Subscriptions subscriptions) {
    return new Subscriptions.Limits(
        subscriptions.limit(),
        subscriptions.perTopic(),
        new Deliveries.Limits(
            subscriptions.maxOutstanding(),
            subscriptions.maxParked(),
            subscriptions.maxDeadLetters(),
            subscriptions.ackDeadline().toMillis()));
  }

  private static Edge.Settings edge(TidingsConfig config) {
    TidingsConfig.RateLimits limits = config.rateLimits();
    return new Edge.Settings(
        config.server().trustedHosts(),
        config.server().allowedOrigins(),
        config.server().trustedProxies(),
        new RateLimits.PerMinute(
            limits.login(), limits.refresh(), limits.publish(), limits.bulk()));
  }

  /// The configuration has either all three of these keys or none.
  private static Optional<TlsSettings> tls(TidingsConfig config) {
    TidingsConfig.Tls tls = config.tls();
    return tls.port()
        .map(port ->
            new TlsSettings(
                port,
                tls.certificate().orElseThrow(),
                tls.privateKey().orElseThrow(),
                tls.reloadInterval(),
                config.server().plain()));
  }

  private static int eventLoops(TidingsConfig.Server server) {
    return server.eventLoops() > 0
        ? server.eventLoops()
        : Math.min(MAX_EVENT_LOOPS, Runtime.getRuntime().availableProcessors());
  }

  private static Passwords.Settings passwords(TidingsConfig.PasswordHash hash) {
    return new Passwords.Settings(
        hash.memory(), hash.iterations(), hash.concurrency(), hash.queue());
  }

  private static Node.Limits node(TidingsConfig config) {
    TidingsConfig.Limits limits = config.limits();
    return new Node.Limits(
        config.memory().hotTierSize(),
        config.memory().pageCacheSize(),
        limits.pendingCommands(),
        limits.pendingBytes(),
        new CommitLane.Limits(limits.batchMessages(), limits.batchBytes()),
        limits.topics(),
        limits.grantsPerTopic(),
        new Receipts.Limits(
            limits.idempotencyRetention().toMillis(),
            limits.idempotencyKeysPerUser(),
            limits.idempotencyKeys()),
        subscriptions(config.subscriptions()),
        new StreamLimits(
            config.memory().streamsSize(),
            config.streams().limit(),
            config.streams().durableLimit(),
            config.streams().limitPerUser(),
            config.streams().idleTime(),
            config.streams().deduplicationWindow()),
        new ExchangeLimits(
            config.exchanges().limit(),
            config.exchanges().queueLimit(),
            config.exchanges().bindingLimit(),
            config.memory().transientQueuesSize()),
        new ScheduleLimits(config.scheduled().limit(), config.memory().scheduledSize()));
  }

  private static RelayApi.Settings relay(TidingsConfig config) {
    return new RelayApi.Settings(
        config.websocket().pingInterval(),
        config.websocket().firstFrameTimeout(),
        config.websocket().maxTopics(),
        (int) config.websocket().sendBufferSize(),
        config.websocket().maxPublishing(),
        config.poll().maxTopics(),
        config.poll().maxWaiters(),
        config.poll().maxWaitersPerUser(),
        config.limits().connectionsPerUser());
  }

  /// The TCP port it listens on: the one without TLS, if it has both.
  public int port() {
    return server.port();
  }

  /// The TCP port it speaks TLS on, if it does.
  public OptionalInt tlsPort() {
    return server.tlsPort();
  }

  /// Closes sockets, makes everything accepted durable and returns.
  public void stop() {
    server.stop();
    directory.close();
  }
}
