// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.config;

import static dev.tidings.server.Server.DEV_PASSWORD;
import static dev.tidings.server.Server.DEV_USERNAME;

import dev.tidings.server.wire.AddressRange;
import dev.tidings.server.wire.HostPattern;
import dev.tidings.server.wire.Origin;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// Everything that can be set about a server, checked: sizes are in bytes.
///
/// The YAML key of a component is its name in kebab-case, its place in the tree the path of the
/// key.
public record TidingsConfig(
    Server server,
    Tls tls,
    WebSocket websocket,
    Poll poll,
    Auth auth,
    Store store,
    Retention retention,
    Pubsub pubsub,
    Subscriptions subscriptions,
    Scheduled scheduled,
    Streams streams,
    Exchanges exchanges,
    Memory memory,
    Limits limits,
    RateLimits rateLimits,
    Log log,
    Metrics metrics,
    @Setting(
            defaultValue = "false",
            doc =
                "For trying out: binds to loopback, makes its own secret, creates the user `admin`"
                    + " with the password `tidings-dev`")
        boolean dev) {

  /// The address and its limits.
  public record Server(
      @Setting(
              defaultValue = "0.0.0.0",
              devDefault = "127.0.0.1",
              min = "1",
              max = "255",
              doc = "Address or host name to bind to")
          String host,
      @Setting(
              defaultValue = "8080",
              min = "0",
              max = "65535",
              doc = "TCP port; 0 takes a free one")
          int port,
      @Setting(
              defaultValue = "true",
              doc = "Whether `server.port` is served; `false` needs `tls.port`")
          boolean plain,
      @Setting(
              defaultValue = "8MiB",
              min = "1KiB",
              max = "64MiB",
              bytes = true,
              doc = "Largest request body; a larger one is answered with 413")
          long maxBodySize,
      @Setting(
              defaultValue = "20000",
              min = "1",
              max = "1000000",
              doc = "Open connections at once; further ones are closed")
          int maxConnections,
      @Setting(
              defaultValue = "10s",
              min = "1s",
              max = "5m",
              doc = "How long a stop may take before the process ends anyway")
          Duration shutdownTimeout,
      @Setting(
              defaultValue = "0",
              min = "0",
              max = "64",
              doc = "Threads that serve connections; 0 takes one for each core")
          int eventLoops,
      @Setting(
              defaultValue = "true",
              doc = "Whether `/docs`, `/redoc` and `/openapi.json` are there")
          boolean pages,
      @Setting(
              doc =
                  "Names a request may be meant for (`Host`), `*.example.com` for all below one;"
                      + " others are answered with 400. Empty: all")
          List<HostPattern> trustedHosts,
      @Setting(
              doc =
                  "Origins whose web pages may call and open WebSockets (CORS), `*` for all. Empty:"
                      + " no CORS headers, and `Origin` is not checked")
          List<Origin> allowedOrigins,
      @Setting(
              doc =
                  "Proxies whose `X-Forwarded-For` is believed: addresses and networks. Empty: none")
          List<AddressRange> trustedProxies,
      @Setting(
              defaultValue = "false",
              doc = "Start, with warnings, in spite of a secret or password that everybody knows")
          boolean allowInsecureSettings) {}

  /// HTTPS and secure WebSockets.
  public record Tls(
      @Setting(
              min = "0",
              max = "65535",
              doc = "TCP port that speaks TLS; 0 takes a free one. Without it there is no TLS")
          Optional<Integer> port,
      @Setting(
              file = true,
              doc =
                  "PEM file with the server's certificate, which may be followed by those up to its"
                      + " authority")
          Optional<Path> certificate,
      @Setting(
              file = true,
              doc = "PEM file with the key of that certificate (RSA or EC), not encrypted")
          Optional<Path> privateKey,
      @Setting(
              defaultValue = "10s",
              min = "100ms",
              max = "1d",
              doc =
                  "Time between two looks at these files; a changed certificate is taken into use")
          Duration reloadInterval) {}

  /// Sockets on `/ws`, and event streams, which share what applies to both.
  public record WebSocket(
      @Setting(
              defaultValue = "25s",
              min = "1s",
              max = "1h",
              doc =
                  "Time between pings; a socket from which nothing comes for as long after one is closed")
          Duration pingInterval,
      @Setting(
              defaultValue = "60s",
              min = "1s",
              max = "1h",
              doc = "A socket that has sent no frame by then is closed")
          Duration firstFrameTimeout,
      @Setting(
              defaultValue = "64KiB",
              min = "1KiB",
              max = "16MiB",
              bytes = true,
              doc = "Largest frame accepted from a client")
          long maxFrameSize,
      @Setting(
              defaultValue = "50",
              min = "1",
              max = "10000",
              doc = "Topics in one subscribe frame; queues of one exchange socket")
          int maxTopics,
      @Setting(
              defaultValue = "256KiB",
              min = "4KiB",
              max = "64MiB",
              bytes = true,
              doc =
                  "Bytes queued on one socket; above it the socket is not written to until it drains")
          long sendBufferSize,
      @Setting(
              defaultValue = "256",
              min = "1",
              max = "10000",
              doc =
                  "Messages of one socket on their way to the store; at the bound it is not read"
                      + " from until one is answered")
          int maxPublishing) {}

  /// Long polls.
  public record Poll(
      @Setting(defaultValue = "1000", min = "1", max = "10000", doc = "Topics in one poll")
          int maxTopics,
      @Setting(
              defaultValue = "10000",
              min = "1",
              max = "1000000",
              doc = "Polls and consumers that wait at once; further ones are answered with 429")
          int maxWaiters,
      @Setting(
              defaultValue = "1000",
              min = "1",
              max = "1000000",
              doc =
                  "Polls and consumers of one user or client that wait at once; further ones are answered with 429")
          int maxWaitersPerUser) {}

  /// Tokens, passwords and the first user.
  public record Auth(
      @Setting(
              min = "32",
              doc =
                  "Signs the access tokens; required unless `dev` is on. Make one with `tidings"
                      + " generate-secret-key`")
          Optional<Secret> secretKey,
      @Setting(
              defaultValue = "1h",
              min = "1s",
              max = "30d",
              doc = "How long an access token is valid")
          Duration accessTokenLifetime,
      @Setting(
              defaultValue = "30d",
              min = "1s",
              max = "3650d",
              doc = "How long a login can be renewed after it was last used")
          Duration refreshTokenLifetime,
      @Setting(
              defaultValue = "1000",
              min = "1",
              max = "10000",
              doc =
                  "Logins of one user that can be renewed; beyond it the least recently used can be"
                      + " renewed no longer")
          int loginsPerUser,
      @Setting(
              defaultValue = "30m",
              min = "1s",
              max = "30d",
              doc = "How long an access token of a client is valid")
          Duration clientTokenLifetime,
      PasswordHash passwordHash,
      Optional<BootstrapAdmin> bootstrapAdmin) {

    /// This with the secret that signs tokens.
    public Auth withSecretKey(Secret secret) {
      return new Auth(
          Optional.of(secret),
          accessTokenLifetime,
          refreshTokenLifetime,
          loginsPerUser,
          clientTokenLifetime,
          passwordHash,
          bootstrapAdmin);
    }
  }

  /// The cost of a password hash (Argon2id), and how many are computed at once.
  public record PasswordHash(
      @Setting(
              defaultValue = "19MiB",
              min = "19MiB",
              max = "1GiB",
              bytes = true,
              doc = "Memory of one hash")
          long memory,
      @Setting(defaultValue = "2", min = "2", max = "100", doc = "Passes over that memory")
          int iterations,
      @Setting(defaultValue = "2", min = "1", max = "64", doc = "Hashes computed at once")
          int concurrency,
      @Setting(
              defaultValue = "64",
              min = "1",
              max = "10000",
              doc = "Logins that wait for their hash; further ones are answered with 503")
          int queue) {}

  /// The user that is created at the start when there is none of that name.
  public record BootstrapAdmin(
      @Setting(
              devDefault = DEV_USERNAME,
              min = "3",
              max = "50",
              doc = "Name of an administrator created at the start if it does not exist")
          String username,
      @Setting(
              devDefault = DEV_PASSWORD,
              min = "8",
              max = "1024",
              doc = "Password of that administrator")
          Secret password,
      @Setting(
              min = "3",
              max = "254",
              doc = "E-mail address of that administrator; without it NAME@example.com")
          Optional<String> email) {}

  /// Where messages are kept, and what "acknowledged" promises.
  public record Store(
      @Setting(
              defaultValue = "rocksdb",
              doc =
                  "`rocksdb` keeps messages in the data folder, `postgresql` in a database, `memory`"
                      + " only as long as the process lives")
          StoreType type,
      @Setting(
              defaultValue = "./tidings-data",
              doc = "Folder of the store, the administration socket and the secret of `dev`")
          Path dataDir,
      @Setting(
              defaultValue = "fsync",
              doc =
                  "`fsync` answers a publish when it is on disk; `memory` answers before, so that a"
                      + " power cut loses acknowledged messages. Not with `postgresql`, where every"
                      + " answer waits for the commit")
          Durability durability,
      @Setting(
              defaultValue = "256MiB",
              min = "0B",
              max = "1TiB",
              bytes = true,
              doc =
                  "With less free disk than this, publishes are answered with 503 (`rocksdb` only)")
          long diskLowWater,
      @Setting(
              min = "1",
              max = "2000",
              doc =
                  "The database, as `postgresql://host:5432/name`; needed with `postgresql`, and"
                      + " without user and password, which are settings of their own")
          Optional<String> url,
      @Setting(min = "1", max = "255", doc = "The database's user; needed with `postgresql`")
          Optional<String> user,
      @Setting(min = "1", doc = "That user's password, if the database asks for one; shown nowhere")
          Optional<Secret> password,
      @Setting(
              defaultValue = "10",
              min = "5",
              max = "50",
              doc =
                  "Connections to the database at once: 4 for writing, the others for reading; more"
                      + " than 11 are not used (`postgresql` only)")
          int connections,
      @Setting(
              defaultValue = "true",
              doc =
                  "Whether a start brings the tables up to date; if not, `tidings db-migrate` does"
                      + " (`postgresql` only)")
          boolean migrate,
      @Setting(
              defaultValue = "false",
              doc =
                  "Start even if another server seems to use the database, which then writes no"
                      + " more (`postgresql` only)")
          boolean takeOver,
      RocksDb rocksdb) {}

  /// Native memory of the embedded store.
  public record RocksDb(
      @Setting(
              defaultValue = "256MiB",
              min = "1MiB",
              max = "1TiB",
              bytes = true,
              doc = "Cache of blocks read from disk")
          long blockCacheSize,
      @Setting(
              defaultValue = "64MiB",
              min = "1MiB",
              max = "4GiB",
              bytes = true,
              doc = "Memory of writes not yet in a table file")
          long writeBufferSize) {}

  /// How long messages are kept, for topics that do not say otherwise.
  public record Retention(
      @Setting(defaultValue = "24h", min = "1s", max = "3650d", doc = "Age of the oldest message")
          Duration maxAge,
      @Setting(
              defaultValue = "1000000",
              min = "1",
              max = "1000000000000",
              doc = "Messages in one topic")
          long maxMessages,
      @Setting(
              defaultValue = "0B",
              min = "0B",
              bytes = true,
              doc = "Bytes in one topic; 0 does not limit them")
          long maxBytes,
      @Setting(
              defaultValue = "10s",
              min = "100ms",
              max = "1h",
              doc = "Time between two looks for what may be trimmed and for logins that are over")
          Duration sweepInterval) {}

  /// The pubsub API.
  public record Pubsub(
      @Setting(
              defaultValue = "none",
              devDefault = "all",
              doc = "What a call without a token may do; one that is sent is always checked")
          Anonymous anonymous,
      @Setting(
              defaultValue = "5",
              min = "1",
              max = "1000000",
              doc =
                  "Deliveries of a message before it becomes a dead letter, unless its"
                      + " subscription says otherwise")
          int maxDeliveryAttempts,
      @Setting(
              defaultValue = "5s",
              min = "1s",
              max = "3650d",
              doc =
                  "Wait after the first failure, unless its subscription says otherwise; it"
                      + " doubles with each further one")
          Duration backoffMin,
      @Setting(
              defaultValue = "300s",
              min = "1s",
              max = "3650d",
              doc = "Longest wait after a failure, unless its subscription says otherwise")
          Duration backoffMax) {}

  /// Subscriptions and what they hold.
  public record Subscriptions(
      @Setting(
              defaultValue = "60s",
              min = "1s",
              max = "1d",
              doc =
                  "How long a consumer has for a message before it is delivered again, unless"
                      + " it or its subscription says otherwise")
          Duration ackDeadline,
      @Setting(
              defaultValue = "100000",
              min = "1",
              max = "1000000",
              doc =
                  "Messages of one subscription that are delivered or wait after a failure; at"
                      + " the bound only those are delivered again")
          int maxOutstanding,
      @Setting(
              defaultValue = "100000",
              min = "1",
              max = "1000000",
              doc =
                  "Messages of one subscription that wait behind others of their ordering keys; at"
                      + " the bound a further one to wait stops what was never delivered")
          int maxParked,
      @Setting(
              defaultValue = "100000",
              min = "1",
              max = "1000000",
              doc = "Dead letters of one subscription; beyond it the oldest is dropped")
          int maxDeadLetters,
      @Setting(
              defaultValue = "60s",
              min = "1s",
              max = "60s",
              doc = "Longest time a consumer may wait for messages")
          Duration maxWait,
      @Setting(
              defaultValue = "1000000",
              min = "1",
              max = "67108863",
              doc = "Subscriptions; further ones are refused with 429")
          int limit,
      @Setting(
              defaultValue = "1000",
              min = "1",
              max = "1000000",
              doc = "Subscriptions of one topic; further ones are refused with 429")
          int perTopic,
      @Setting(
              defaultValue = "7d",
              min = "1s",
              max = "3650d",
              doc = "Age of the oldest message that a topic keeps because a subscription needs it")
          Duration backlogMaxAge,
      @Setting(
              defaultValue = "16GiB",
              min = "1MiB",
              bytes = true,
              doc = "Bytes that a topic keeps because a subscription needs them")
          long backlogMaxBytes) {}

  /// Messages that are published to be due later.
  public record Scheduled(
      @Setting(
              defaultValue = "10000000",
              min = "1",
              max = "1000000000",
              doc =
                  "Messages that wait until they are due; further ones are refused, with 429 by the"
                      + " pubsub API and 400 by the relay's")
          long limit,
      @Setting(
              defaultValue = "366d",
              min = "1s",
              max = "36500d",
              doc = "How far ahead a message may be due; one further ahead is refused with 422")
          Duration maxDelay) {}

  /// Streams, and those who wait at them.
  public record Streams(
      @Setting(
              defaultValue = "none",
              devDefault = "all",
              doc =
                  "What a call of the streams API without a token may do; one that is sent is"
                      + " always checked")
          Anonymous anonymous,
      @Setting(
              defaultValue = "1000000",
              min = "1",
              max = "2147483647",
              doc = "Largest `inMemoryStreamSize`: messages that one stream may buffer")
          int maxSize,
      @Setting(
              defaultValue = "300s",
              min = "1s",
              max = "1h",
              doc = "Longest time a sender or receiver may wait")
          Duration maxTimeout,
      @Setting(
              defaultValue = "365d",
              min = "1s",
              max = "3650d",
              doc = "Longest time a stored message of a stream may be kept")
          Duration maxTtl,
      @Setting(
              defaultValue = "60s",
              min = "1s",
              max = "1d",
              doc = "How long an empty stream stays in memory after it was last used")
          Duration idleTime,
      @Setting(
              defaultValue = "60s",
              min = "0s",
              max = "1h",
              doc =
                  "How long a stream remembers the `messageUuid` of a message, at most 128 of them;"
                      + " 0 remembers none")
          Duration deduplicationWindow,
      @Setting(
              defaultValue = "10000000",
              min = "1",
              max = "1000000000",
              doc = "Streams in memory; a send that would make a further one is refused with 429")
          int limit,
      @Setting(
              defaultValue = "1000000",
              min = "1",
              max = "1000000000",
              doc =
                  "Streams that keep messages in the store, each a day beyond its last message;"
                      + " further ones are refused with 429")
          int durableLimit,
      @Setting(
              defaultValue = "2000000",
              min = "1",
              max = "1000000000",
              doc = "Streams that one user or client has made; further ones are refused with 429")
          int limitPerUser,
      @Setting(
              defaultValue = "100000",
              min = "1",
              max = "10000000",
              doc = "Senders and receivers that wait at once; further ones are answered with 429")
          int maxWaiters,
      @Setting(
              defaultValue = "50000",
              min = "1",
              max = "10000000",
              doc =
                  "Senders and receivers of one user or client that wait at once; further ones are"
                      + " answered with 429")
          int maxWaitersPerUser) {}

  /// Exchanges, queues and bindings.
  public record Exchanges(
      @Setting(
              defaultValue = "none",
              devDefault = "all",
              doc =
                  "What a call of the exchange API, or a socket, without a token may do; one that"
                      + " is sent is always checked")
          Anonymous anonymous,
      @Setting(
              defaultValue = "10000",
              min = "1",
              max = "1000000",
              doc = "Exchanges; further ones are refused with 429")
          int limit,
      @Setting(
              defaultValue = "100000",
              min = "1",
              max = "1000000",
              doc = "Queues; further ones are refused with 429")
          int queueLimit,
      @Setting(
              defaultValue = "1000000",
              min = "1",
              max = "10000000",
              doc = "Bindings; further ones are refused with 429")
          int bindingLimit) {}

  /// Heap used for messages.
  public record Memory(
      @Setting(
              defaultValue = "256MiB",
              min = "1MiB",
              max = "1TiB",
              bytes = true,
              doc = "Recent messages of all topics; older ones are read from the store")
          long hotTierSize,
      @Setting(
              defaultValue = "64MiB",
              min = "1MiB",
              max = "1TiB",
              bytes = true,
              doc = "Older messages read from the store, shared by all who read them")
          long pageCacheSize,
      @Setting(
              defaultValue = "256MiB",
              min = "1MiB",
              max = "1TiB",
              bytes = true,
              doc = "Messages that streams buffer; beyond it a send is answered with 503")
          long streamsSize,
      @Setting(
              defaultValue = "256MiB",
              min = "1MiB",
              max = "1TiB",
              bytes = true,
              doc =
                  "Messages of transient queues; beyond it a queue drops its oldest, or a publish"
                      + " is answered with 503")
          long transientQueuesSize,
      @Setting(
              defaultValue = "64MiB",
              min = "1MiB",
              max = "1TiB",
              bytes = true,
              doc =
                  "Scheduled messages that are due within a minute; what does not fit is read from"
                      + " the store when it is due")
          long scheduledSize) {}

  /// Work that waits for the store.
  public record Limits(
      @Setting(
              defaultValue = "20000",
              min = "1",
              max = "10000000",
              doc = "Commands under way at once; further ones are answered with 503")
          int pendingCommands,
      @Setting(
              defaultValue = "64MiB",
              min = "1MiB",
              max = "64GiB",
              bytes = true,
              doc = "Bytes of those commands; further ones are answered with 503")
          long pendingBytes,
      @Setting(
              defaultValue = "5000",
              min = "1",
              max = "1000000",
              doc = "Messages written to the store in one commit")
          int batchMessages,
      @Setting(
              defaultValue = "4MiB",
              min = "4KiB",
              max = "1GiB",
              bytes = true,
              doc = "Bytes written to the store in one commit")
          long batchBytes,
      @Setting(
              defaultValue = "10000000",
              min = "1",
              max = "67108863",
              doc = "Topics; further ones are refused with 400")
          int topics,
      @Setting(
              defaultValue = "10000",
              min = "1",
              max = "1000000",
              doc = "Users one topic is granted to; further ones are refused with 400")
          int grantsPerTopic,
      @Setting(
              defaultValue = "10000",
              min = "1",
              max = "1000000",
              doc = "WebSockets and event streams of one user; further ones are answered with 429")
          int connectionsPerUser,
      @Setting(
              defaultValue = "10m",
              min = "1s",
              max = "1d",
              doc = "How long a publish under an idempotency key is remembered")
          Duration idempotencyRetention,
      @Setting(
              defaultValue = "10000",
              min = "1",
              max = "10000000",
              doc = "Idempotency keys of one user that are remembered; further ones get 429")
          int idempotencyKeysPerUser,
      @Setting(
              defaultValue = "200000",
              min = "1",
              max = "100000000",
              doc = "Idempotency keys that are remembered in all; further ones get 429")
          int idempotencyKeys) {}

  /// Calls of one client address in a minute.
  public record RateLimits(
      @Setting(
              defaultValue = "0",
              min = "0",
              max = "1000000",
              doc =
                  "Logins, and tokens of clients, of one address in a minute; 0 does not limit them")
          int login,
      @Setting(
              defaultValue = "0",
              min = "0",
              max = "1000000",
              doc = "Refreshed tokens of one address in a minute; 0 does not limit them")
          int refresh,
      @Setting(
              defaultValue = "0",
              min = "0",
              max = "1000000",
              doc = "Single publishes of one address in a minute; 0 does not limit them")
          int publish,
      @Setting(
              defaultValue = "0",
              min = "0",
              max = "1000000",
              doc = "Bulk publishes of one address in a minute; 0 does not limit them")
          int bulk) {}

  /// The log of the process, on standard error.
  public record Log(
      @Setting(defaultValue = "info", doc = "Least severe level written") LogLevel level,
      @Setting(defaultValue = "text", doc = "One line of text or one JSON object for each event")
          LogFormat format,
      @Setting(defaultValue = "false", doc = "One line for each request, whatever the level")
          boolean access) {}

  /// What `/metrics` shows.
  public record Metrics(
      @Setting(
              defaultValue = "1000",
              min = "0",
              max = "100000",
              doc = "Topics with metrics of their own; the others count as `_other`")
          int maxTopicLabels) {}

  /// What a call without a token may do.
  public enum Anonymous {
    NONE,
    ALL
  }

  /// The stores a server can run on.
  public enum StoreType {
    ROCKSDB,
    POSTGRESQL,
    MEMORY
  }

  /// What a publish has survived when it is answered.
  public enum Durability {
    FSYNC,
    MEMORY
  }

  /// Severity in the log.
  public enum LogLevel {
    ERROR,
    WARN,
    INFO,
    DEBUG,
    TRACE
  }

  /// Shape of the log.
  public enum LogFormat {
    TEXT,
    JSON
  }

  /// This with the secret that signs tokens.
  public TidingsConfig withSecretKey(Secret secret) {
    return new TidingsConfig(
        server,
        tls,
        websocket,
        poll,
        auth.withSecretKey(secret),
        store,
        retention,
        pubsub,
        subscriptions,
        scheduled,
        streams,
        exchanges,
        memory,
        limits,
        rateLimits,
        log,
        metrics,
        dev);
  }
}
