// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server;

import dev.tidings.core.command.CreateUser;
import dev.tidings.core.command.KeepKey;
import dev.tidings.core.directory.Permission;
import dev.tidings.core.directory.SigningKey;
import dev.tidings.core.directory.User;
import dev.tidings.core.exchange.ExchangePublisher;
import dev.tidings.core.message.Payload;
import dev.tidings.core.outbox.OutboxPump;
import dev.tidings.core.runtime.Node;
import dev.tidings.core.runtime.Outcome;
import dev.tidings.core.runtime.Refusal;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.core.store.Store;
import dev.tidings.core.store.StoreException;
import dev.tidings.server.auth.AnonymousAuthenticator;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.auth.ClientTokens;
import dev.tidings.server.auth.Logins;
import dev.tidings.server.auth.Passwords;
import dev.tidings.server.auth.TokenAuthenticator;
import dev.tidings.server.auth.Tokens;
import dev.tidings.server.exchange.ExchangeApi;
import dev.tidings.server.exchange.ExchangeSockets;
import dev.tidings.server.ops.BackupApi;
import dev.tidings.server.ops.CleanupApi;
import dev.tidings.server.ops.Metrics;
import dev.tidings.server.ops.OpsApi;
import dev.tidings.server.pages.Pages;
import dev.tidings.server.pubsub.ClientCalls;
import dev.tidings.server.pubsub.OAuthCalls;
import dev.tidings.server.pubsub.PubsubApi;
import dev.tidings.server.relay.PolledTopics;
import dev.tidings.server.relay.RelayApi;
import dev.tidings.server.socket.SocketApi;
import dev.tidings.server.streams.StreamsApi;
import dev.tidings.server.tls.Tls;
import dev.tidings.server.tls.TlsSettings;
import dev.tidings.server.tls.UnusableCertificateException;
import dev.tidings.server.wire.Bodies;
import dev.tidings.server.wire.Connections;
import dev.tidings.server.wire.DueTimes;
import dev.tidings.server.wire.Edge;
import dev.tidings.server.wire.ErrorShape;
import dev.tidings.server.wire.EventLoop;
import dev.tidings.server.wire.FrameCache;
import dev.tidings.server.wire.Routes;
import dev.tidings.server.wire.UserConnections;
import dev.tidings.server.wire.WaitingCalls;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.impl.HttpServerConnection;
import io.vertx.core.internal.VertxInternal;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.io.Serial;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A running server: event loops with the front-ends on them, the core, and the commit lane's
/// thread.
///
/// [#start] wires it in the order a message takes; [#stop] takes it apart from the clients inwards.
public final class Server {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final int READER_THREADS = 4;
  private static final int OPENER_THREADS = 2;
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int ACCEPT_BACKLOG = 4096;
  private static final long CONNECTION_TICK_MS = 5000;

  /// The share of the heap that bodies on their way in may take, as a divisor.
  private static final int BODIES_OF_HEAP = 8;

  private static final String BEARER = "bearer";

  /// The key that signs resume tokens of streams.
  private static final String STREAM_TOKENS = "stream-tokens";

  private static final int KEY_BYTES = 32;

  /// The administrator that `--dev` creates: everyone knows its password.
  public static final String DEV_USERNAME = "admin";

  /// The password of that administrator.
  public static final String DEV_PASSWORD = "tidings-dev";

  private final ServerSettings settings;
  private final Store store;
  private final TimeSource time = new SystemTime();
  private final Vertx vertx;
  private final ExecutorService opening;
  private final ExecutorService paging;
  private final List<EventLoop> loops;
  private final Metrics metrics;
  private final Node node;
  private final Thread committer;
  private final Optional<OutboxPump> outbox;
  private final Optional<Thread> pumping;
  private final Upkeep upkeep;
  private final Passwords passwords;
  private final ClientTokens clientTokens;
  private final Pages pages = new Pages();
  private final AtomicInteger connections = new AtomicInteger();
  private final List<RelayApi> relays = new CopyOnWriteArrayList<>();
  private final List<PubsubApi> pubsubs = new CopyOnWriteArrayList<>();
  private final List<StreamsApi> streams = new CopyOnWriteArrayList<>();
  private final List<SocketApi> sockets = new CopyOnWriteArrayList<>();
  private final WaitingCalls streamWaiters;
  private final List<HttpServer> listeners = new CopyOnWriteArrayList<>();
  private Optional<Tls> tls = Optional.empty();
  private OptionalInt plainPort = OptionalInt.empty();
  private OptionalInt tlsPort = OptionalInt.empty();

  /// Starts nothing that would have to be stopped, apart from what it is given, if it fails.
  private Server(ServerSettings settings, Store store, Vertx vertx) throws StoreException {
    this.settings = settings;
    this.store = store;
    this.vertx = vertx;
    opening =
        Executors.newFixedThreadPool(
            OPENER_THREADS, Thread.ofPlatform().daemon().name("log-opener-", 0).factory());
    paging =
        Executors.newFixedThreadPool(
            READER_THREADS, Thread.ofPlatform().daemon().name("store-reader-", 0).factory());
    loops = makeLoops();
    metrics = new Metrics(settings.maxTopicLabels(), settings.durability(), time);
    node =
        new Node(
            store, List.copyOf(loops), opening, paging, time, settings.node(), metrics.commits());
    for (int i = 0; i < loops.size(); i++) {
      loops
          .get(i)
          .join(node.loops().get(i), new FrameCache(settings.frameCache() / loops.size(), time));
    }
    metrics.observe(node, store);
    metrics.gauge("tidings_connections", "Open connections over TCP", connections::get);
    committer = Thread.ofPlatform().name("commit-lane").unstarted(node.lane()::run);
    outbox = store.outbox().map(it -> new OutboxPump(node, it, time, loops.getFirst()));
    pumping = outbox.map(it -> Thread.ofPlatform().daemon().name("outbox").unstarted(it::run));
    metrics.observe(
        outbox
            .<Supplier<OutboxPump.Figures>>map(it -> it::figures)
            .orElse(() -> OutboxPump.Figures.NONE));
    passwords = new Passwords(settings.passwords());
    streamWaiters =
        new WaitingCalls(settings.streams().maxWaiters(), settings.streams().maxWaitersPerUser());
    clientTokens = new ClientTokens(settings.secretKey(), settings.clientTokenLifetime(), time);
    upkeep = new Upkeep(node, time, settings, loops.getFirst());
  }

  /// Contexts on event loops of their own.
  private List<EventLoop> makeLoops() {
    List<EventLoop> made = new ArrayList<>();
    for (int i = 0; i < settings.eventLoops(); i++) {
      EventLoop loop =
          new EventLoop(((VertxInternal) vertx).createEventLoopContext(), new Connections(time));
      loop.context().setPeriodic(CONNECTION_TICK_MS, _ -> loop.connections().tick());
      made.add(loop);
    }
    return made;
  }

  /// A user to create at the start if there is none of that name.
  ///
  /// @param username its name
  /// @param password its password
  /// @param email its address
  public record Bootstrap(String username, String password, Optional<String> email) {}

  /// Why a server did not start: for the operator, with what to do.
  public static final class StartException extends Exception {
    @Serial private static final long serialVersionUID = 1;

    StartException(String message) {
      super(message);
    }

    StartException(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /// Starts a server on `store`, which it then owns, and returns when it accepts requests.
  public static Server start(ServerSettings settings, Store store, Optional<Bootstrap> bootstrap)
      throws StartException {
    Server server = make(settings, store);
    server.committer.start();
    try {
      server.refuseKnownPassword(bootstrap);
      bootstrap.ifPresent(server::ensureAdmin);
      server.checkThereIsAnAdmin();
      server.ensureKey(STREAM_TOKENS);
      server.listen();
      server.pumping.ifPresent(Thread::start);
      return server;
    } catch (StartException | RuntimeException e) {
      server.stop();
      throw e;
    }
  }

  private static Server make(ServerSettings settings, Store store) throws StartException {
    Vertx vertx =
        Vertx.vertx(
            new VertxOptions()
                .setEventLoopPoolSize(settings.eventLoops())
                .setPreferNativeTransport(false));
    boolean made = false;
    try {
      Server server = new Server(settings, store, vertx);
      made = true;
      return server;
    } catch (StoreException e) {
      throw new StartException("the store cannot be read: " + e.getMessage(), e);
    } finally {
      if (!made) {
        var _ = vertx.close();
        closeStore(store);
      }
    }
  }

  private static void closeStore(Store store) {
    try {
      store.close();
    } catch (StoreException e) {
      LOG.error("the store did not close cleanly", e);
    }
  }

  /// What `--dev` creates stays in the store, so a later start without it must look for it: that
  /// one may listen to the world.
  private void refuseKnownPassword(Optional<Bootstrap> bootstrap) throws StartException {
    if (settings.anonymousUsername().isPresent()) {
      return; // Development mode, which admits only local callers.
    }
    if (bootstrap.isPresent() && bootstrap.get().password().equals(DEV_PASSWORD)) {
      throw new StartException(
          "auth.bootstrap-admin.password is the password of --dev, which everyone knows (expected:"
              + " one of your own; it counts for an administrator who does not exist yet)");
    }
    Optional<User> admin = node.directory().userByName(DEV_USERNAME).filter(User::active);
    if (admin.isEmpty()) {
      return;
    }
    CompletableFuture<Optional<Boolean>> known = new CompletableFuture<>();
    passwords.check(
        DEV_PASSWORD, Optional.of(admin.get().passwordHash()), Runnable::run, known::complete);
    if (await(known).orElse(false)) {
      throw new StartException(
          "the user "
              + DEV_USERNAME
              + " in this store has the password of --dev, which everyone knows. Start with --dev"
              + " to use it on this machine alone, or use another store to serve the network:"
              + " another data directory (--data-dir), or another database (--store-url)");
    }
  }

  private void ensureAdmin(Bootstrap bootstrap) {
    if (node.directory().userByName(bootstrap.username()).isPresent()) {
      return;
    }
    User admin =
        new User(
            UUID.randomUUID().toString(),
            bootstrap.username(),
            bootstrap.email(),
            passwords.hash(bootstrap.password()),
            EnumSet.allOf(Permission.class),
            true,
            time.wallMs());
    CompletableFuture<Outcome<User>> created = new CompletableFuture<>();
    node.submit(new CreateUser(admin), loops.getFirst(), created::complete);
    if (await(created) instanceof Outcome.Refused<User>(Refusal refusal)) {
      throw new IllegalStateException("the admin could not be created: " + refusal.detail());
    }
  }

  /// Makes the key of that name at the first start.
  private void ensureKey(String name) throws StartException {
    if (node.directory().signingKey(name).isPresent()) {
      return;
    }
    byte[] secret = new byte[KEY_BYTES];
    new SecureRandom().nextBytes(secret);
    CompletableFuture<Outcome<SigningKey>> kept = new CompletableFuture<>();
    node.submit(
        new KeepKey(new SigningKey(name, Payload.wrap(secret), time.wallMs())),
        loops.getFirst(),
        kept::complete);
    if (await(kept) instanceof Outcome.Refused<SigningKey>(Refusal refusal)) {
      throw new StartException(
          "the key that signs "
              + name
              + " could not be stored: "
              + refusal.detail()
              + ". Make room, or mend the store, and start again");
    }
  }

  private void checkThereIsAnAdmin() throws StartException {
    if (!node.directory().hasUserWith(Permission.ADMIN)) {
      throw new StartException(
          "there is no active user with the permission admin: nobody could manage this server. Set"
              + " auth.bootstrap-admin.username and auth.bootstrap-admin.password"
              + " (TIDINGS_AUTH_BOOTSTRAP_ADMIN_USERNAME and …_PASSWORD) to a user who does not"
              + " exist yet, or run: tidings create-user NAME --permission admin");
    }
  }

  // ---- listening ----

  private void listen() throws StartException {
    Tokens tokens = new Tokens(settings.secretKey(), settings.logins().accessLifetime());
    Authenticator authenticator =
        new TokenAuthenticator(
            tokens, clientTokens, node.directory(), time, settings.anonymousUsername());
    WaitingCalls waiters =
        new WaitingCalls(settings.relay().maxWaiters(), settings.relay().maxWaitersPerUser());
    metrics.gauge("tidings_polls_waiting", "Long polls that wait", waiters::waiting);
    long bodiesOfHeap = Runtime.getRuntime().maxMemory() / BODIES_OF_HEAP;
    Bodies bodies =
        new Bodies(
            settings.maxBody(),
            Math.max(settings.maxBody(), Math.min(settings.maxBodies(), bodiesOfHeap)));
    RelayApi.Services services =
        new RelayApi.Services(
            node,
            authenticator,
            new Logins(node, time, settings.secretKey(), tokens, settings.logins()),
            passwords,
            bodies,
            metrics.relay(),
            time,
            new DueTimes(time, settings.maxDelay()),
            new SecureRandom(),
            settings.relay(),
            waiters,
            new PolledTopics(),
            new UserConnections(settings.relay().maxConnectionsPerUser()));
    // Where calls without a token act, a page of another site must not make them through the
    // browser
    // of somebody on this machine. On other addresses there is no telling who is meant.
    boolean isLoopbackOnly =
        settings.anonymousUsername().isPresent() || (isAnonymous() && isLoopback(settings.host()));
    Edge edge = Edge.of(settings.edge(), isLoopbackOnly, time);
    if (settings.tls().map(TlsSettings::plainToo).orElse(true)) {
      plainPort =
          OptionalInt.of(
              listenOnAll(services, edge, settings.port(), "--host or --port", Optional.empty()));
    }
    if (settings.tls().isPresent()) {
      tls = Optional.of(readCertificate(settings.tls().get()));
      metrics.observe(tls.get());
      tlsPort =
          OptionalInt.of(
              listenOnAll(
                  services, edge, settings.tls().get().port(), "server.host or tls.port", tls));
      tls.get().renew(listeners.getLast());
    }
    if (settings.adminSocket().isPresent()) {
      listenForAdmin(services, settings.adminSocket().get());
    }
  }

  /// Whether some API lets calls without a token act.
  private boolean isAnonymous() {
    return settings.pubsub().anonymous()
        || settings.streams().anonymous()
        || settings.exchanges().anonymous();
  }

  private static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException _) {
      // Nobody can listen there, which is told when it is tried.
      return true;
    }
  }

  /// Listens on one port with every event loop, and returns that port.
  private int listenOnAll(
      RelayApi.Services services, Edge edge, int wanted, String keys, Optional<Tls> secured)
      throws StartException {
    // Vert.x shares a free port between the event loops if they ask for the same negative one.
    SocketAddress address =
        wanted == 0
            ? SocketAddress.sharedRandomPort(secured.isPresent() ? 2 : 1, settings.host())
            : SocketAddress.inetSocketAddress(wanted, settings.host());
    try {
      int port = wanted;
      for (EventLoop loop : loops) {
        port = listenOn(loop, services, edge, address, secured).actualPort();
      }
      return port;
    } catch (IllegalStateException e) {
      throw new StartException(
          "cannot listen on "
              + settings.host()
              + ":"
              + wanted
              + ": "
              + causeOf(e)
              + ". Choose another address with "
              + keys
              + " (0 takes a free port)",
          e);
    }
  }

  private Tls readCertificate(TlsSettings files) throws StartException {
    try {
      return new Tls(vertx, files, time);
    } catch (UnusableCertificateException e) {
      throw new StartException(String.valueOf(e.getMessage()), e);
    }
  }

  private void listenForAdmin(RelayApi.Services services, Path path) throws StartException {
    User operator =
        new User(
            "operator",
            "operator",
            Optional.empty(),
            "",
            EnumSet.of(Permission.ADMIN),
            true,
            time.wallMs());
    try {
      // Between its making and the change of its rights only the directory's keep others out.
      Files.deleteIfExists(path);
      listenOn(
          loops.getFirst(),
          services.with(Authenticator.trusting(operator)),
          Edge.open(time),
          SocketAddress.domainSocketAddress(path.toString()),
          Optional.empty());
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    } catch (IOException | IllegalStateException e) {
      throw new StartException(
          "cannot make the administrator's socket " + path + ": " + causeOf(e), e);
    }
  }

  private HttpServer listenOn(
      EventLoop loop,
      RelayApi.Services services,
      Edge edge,
      SocketAddress address,
      Optional<Tls> secured) {
    CompletableFuture<HttpServer> listening = new CompletableFuture<>();
    loop.context()
        .runOnContext(_ -> {
          Routes routes = new Routes(vertx, loop, metrics.http(), edge);
          RelayApi relay = new RelayApi(services, loop);
          relay.route(routes);
          PubsubApi pubsub = new PubsubApi(pubsub(services), loop);
          pubsub.route(routes);
          pubsubs.add(pubsub);
          routeClients(services, routes);
          StreamsApi ofStreams = new StreamsApi(streams(services), loop);
          ofStreams.route(routes);
          streams.add(ofStreams);
          new ExchangeApi(exchanges(services)).route(routes);
          SocketApi ofSockets =
              new SocketApi(
                  sockets(services),
                  loop,
                  relay.sockets(),
                  new ExchangeSockets(exchangeSockets(), loop));
          ofSockets.route(routes);
          sockets.add(ofSockets);
          new OpsApi(node, metrics, time).route(routes);
          if (settings.pages()) {
            pages.route(routes);
          }
          if (address.isDomainSocket()) {
            new BackupApi(store, services.bodies()).route(routes);
            new CleanupApi(node, time).route(routes);
          }
          relays.add(relay);
          vertx
              .createHttpServer(secured.map(it -> it.with(options())).orElseGet(this::options))
              .connectionHandler(connection -> admit(connection, loop, !address.isDomainSocket()))
              .invalidRequestHandler(routes::unreadable)
              .requestHandler(request -> {
                loop.connections().asked(request.connection());
                routes.handle(request);
              })
              .listen(address)
              .onSuccess(listening::complete)
              .onFailure(listening::completeExceptionally);
        });
    HttpServer listener = await(listening);
    listeners.add(listener);
    return listener;
  }

  private PubsubApi.Services pubsub(RelayApi.Services services) {
    return new PubsubApi.Services(
        node,
        ofPubsub(services.authenticator()),
        services.bodies(),
        metrics.relay(),
        metrics.subscriptions(),
        time,
        services.dueTimes(),
        services.waiters(),
        settings.pubsub());
  }

  private StreamsApi.Services streams(RelayApi.Services services) {
    return new StreamsApi.Services(
        node,
        settings.streams().anonymous()
            ? new AnonymousAuthenticator(services.authenticator())
            : services.authenticator(),
        services.bodies(),
        time,
        streamWaiters,
        node.directory().signingKey(STREAM_TOKENS).orElseThrow().secret(),
        settings.streams());
  }

  private SocketApi.Services sockets(RelayApi.Services services) {
    return new SocketApi.Services(
        services.authenticator(),
        ofExchanges(services.authenticator()),
        time,
        metrics.relay(),
        services.connections(),
        new SocketApi.Settings(
            settings.relay().pingInterval(),
            settings.relay().firstFrameTimeout(),
            settings.relay().sendBuffer()));
  }

  private ExchangeSockets.Services exchangeSockets() {
    return new ExchangeSockets.Services(
        node,
        metrics.exchanges(),
        metrics.subscriptions(),
        time,
        settings.relay().maxSocketTopics(),
        settings.node().subscriptions().deliveries().ackDeadlineMs());
  }

  private Authenticator ofExchanges(Authenticator authenticator) {
    return settings.exchanges().anonymous()
        ? new AnonymousAuthenticator(authenticator)
        : authenticator;
  }

  private ExchangeApi.Services exchanges(RelayApi.Services services) {
    return new ExchangeApi.Services(
        node,
        ofExchanges(services.authenticator()),
        services.bodies(),
        new ExchangePublisher(node),
        metrics.exchanges(),
        settings.exchanges());
  }

  private Authenticator ofPubsub(Authenticator authenticator) {
    return settings.pubsub().anonymous()
        ? new AnonymousAuthenticator(authenticator)
        : authenticator;
  }

  private void routeClients(RelayApi.Services services, Routes routes) {
    routes.telling(
        ErrorShape.DETAIL,
        () -> {
          new ClientCalls(
                  new ClientCalls.Services(
                      node,
                      ofPubsub(services.authenticator()),
                      passwords,
                      services.bodies(),
                      time,
                      services.random()))
              .route(routes);
          new OAuthCalls(node.directory(), clientTokens, passwords, services.bodies())
              .route(routes);
        });
  }

  private HttpServerOptions options() {
    return new HttpServerOptions()
        .setMaxWebSocketFrameSize(settings.maxFrame())
        .setMaxWebSocketMessageSize(settings.maxFrame())
        .setPerFrameWebSocketCompressionSupported(false)
        .setPerMessageWebSocketCompressionSupported(false)
        .setWebSocketSubProtocols(List.of(BEARER))
        .setAcceptBacklog(ACCEPT_BACKLOG)
        .setHttp2ClearTextEnabled(false)
        .setHandle100ContinueAutomatically(true)
        .setTcpNoDelay(true);
  }

  /// Notes a connection, and closes it at once if it counts and there are too many. Those of the
  /// administrator's socket do not: the operator must not be locked out by a crowd.
  private void admit(HttpConnection connection, EventLoop loop, boolean counts) {
    loop.connections().opened(connection);
    int open = counts ? connections.incrementAndGet() : 0;
    connection.closeHandler(_ -> loop.connections().left(connection));
    if (counts) {
      // Of the channel: the connection tells nothing more once it is a WebSocket.
      ((HttpServerConnection) connection)
          .channelHandlerContext()
          .channel()
          .closeFuture()
          .addListener(_ -> connections.decrementAndGet());
    }
    if (open > settings.maxConnections()) {
      LOG.warn("a connection was closed: {} are open (limit)", settings.maxConnections());
      var _ = connection.close();
    }
  }

  private static <T> T await(CompletableFuture<T> future) {
    try {
      return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (TimeoutException e) {
      throw new IllegalStateException("no answer within " + PATIENCE.toSeconds() + " s", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private static String causeOf(Exception e) {
    Throwable cause = e.getCause() == null ? e : e.getCause();
    return String.valueOf(cause.getMessage());
  }

  /// The port it listens on: the one without TLS, if it has both.
  public int port() {
    return plainPort.orElseGet(tlsPort::orElseThrow);
  }

  /// The port it speaks TLS on, if it does.
  public OptionalInt tlsPort() {
    return tlsPort;
  }

  // ---- stopping ----

  /// Stops it: WebSockets are closed with 1001, event streams ended and polls answered, requests
  /// that are being handled are finished within the settings' time, everything accepted is made
  /// durable, the store is closed.
  public void stop() {
    upkeep.close();
    tls.ifPresent(Tls::close);
    CountDownLatch gone =
        new CountDownLatch(relays.size() + pubsubs.size() + streams.size() + sockets.size());
    for (SocketApi api : sockets) {
      api.loop()
          .execute(() -> {
            api.goAway();
            gone.countDown();
          });
    }
    for (PubsubApi pubsub : pubsubs) {
      pubsub
          .loop()
          .execute(() -> {
            pubsub.goAway();
            gone.countDown();
          });
    }
    for (StreamsApi api : streams) {
      api.loop()
          .execute(() -> {
            api.goAway();
            gone.countDown();
          });
    }
    for (RelayApi relay : relays) {
      relay
          .loop()
          .execute(() -> {
            relay.goAway();
            gone.countDown();
          });
    }
    awaitQuietly("sessions to leave", () -> gone.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
    Future<?>[] closing =
        listeners.stream()
            .map(listener -> listener.shutdown(settings.shutdownGrace()))
            .toArray(Future[]::new);
    awaitQuietly(
        "requests to finish",
        () ->
            Future.join(List.of(closing))
                .toCompletionStage()
                .toCompletableFuture()
                .handle((_, _) -> true)
                .get(settings.shutdownGrace().toMillis() + 1000, TimeUnit.MILLISECONDS));
    outbox.ifPresent(OutboxPump::stop);
    pumping.ifPresent(it -> awaitQuietly("the outbox", () -> !it.isAlive() || it.join(PATIENCE)));
    node.lane().stop();
    awaitQuietly("the commit lane", () -> committer.join(PATIENCE));
    opening.shutdown();
    paging.shutdown();
    passwords.close();
    awaitQuietly(
        "the event loops",
        () ->
            vertx
                .close()
                .toCompletionStage()
                .toCompletableFuture()
                .handle((_, _) -> true)
                .get(PATIENCE.toSeconds(), TimeUnit.SECONDS));
    closeStore(store);
  }

  /// Something to wait for while stopping.
  private interface Awaited {
    /// Returns whether it came.
    boolean come() throws InterruptedException, ExecutionException, TimeoutException;
  }

  private static void awaitQuietly(String what, Awaited awaited) {
    try {
      if (!awaited.come()) {
        LOG.warn("stopping without waiting any longer for {}", what);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      LOG.warn("interrupted while waiting for {}", what);
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("stopping without waiting any longer for {}: {}", what, e.toString());
    }
  }
}
