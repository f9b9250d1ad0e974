// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.server.ops.Metrics;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The routes of one event loop, with what every request goes through: which path it met, what
/// happens where there is none, and the count of answers.
public final class Routes {
  private static final Logger LOG = LoggerFactory.getLogger(Routes.class);
  private static final String PARAMETER = "\\{[a-z_]+}";

  private final Router router;
  private final EventLoop loop;
  private final Metrics metrics;
  private final Guard guard;
  private final List<Pattern> paths = new ArrayList<>();
  private String webSocketPath = "";
  private Consumer<Exchange> webSocketHandler = exchange -> exchange.detail(404, "Not Found");

  /// Routes for the requests of `loop`.
  public Routes(Vertx vertx, EventLoop loop, Metrics metrics, Guard guard) {
    this.router = Router.router(vertx);
    this.loop = loop;
    this.metrics = metrics;
    this.guard = guard;
    router.route().handler(this::enter);
    router.errorHandler(404, context -> exchangeOf(context).detail(404, "Not Found"));
    router.errorHandler(405, context -> exchangeOf(context).detail(405, "Method Not Allowed"));
    router.errorHandler(
        400, context -> exchangeOf(context).detail(400, "The request is not valid HTTP"));
    router.errorHandler(500, this::failed);
  }

  /// A check that comes before every route.
  public interface Guard {
    /// Why the request is refused; empty if it is not.
    Optional<String> refuse(HttpServerRequest request);

    /// A guard that lets everything pass.
    static Guard open() {
      return _ -> Optional.empty();
    }
  }

  /// Adds a route; a part of the path in braces is a parameter.
  public void add(HttpMethod method, String path, Consumer<Exchange> handler) {
    paths.add(Pattern.compile(path.replaceAll(PARAMETER, "[^/]+")));
    router
        .route(method, path.replaceAll("\\{([a-z_]+)}", ":$1"))
        .handler(context -> handle(context, path, handler));
  }

  private void handle(RoutingContext context, String path, Consumer<Exchange> handler) {
    String method = context.request().method().name();
    context
        .response()
        .endHandler(_ -> metrics.answered(path, method, context.response().getStatusCode()));
    handler.accept(exchangeOf(context));
  }

  private void enter(RoutingContext context) {
    HttpServerRequest request = context.request();
    Optional<String> refusal = guard.refuse(request);
    if (refusal.isPresent()) {
      exchangeOf(context).detail(403, refusal.get());
      return;
    }
    String path = request.path();
    if (path != null && path.length() > 1 && path.endsWith("/")) {
      redirectOrNext(context, path.substring(0, path.length() - 1));
    } else {
      context.next();
    }
  }

  /// A slash at the end of a known path redirects to the path without it, as FastAPI does.
  private void redirectOrNext(RoutingContext context, String path) {
    if (paths.stream().anyMatch(known -> known.matcher(path).matches())) {
      String query = context.request().query();
      exchangeOf(context)
          .with(HttpHeaders.LOCATION, query == null ? path : path + "?" + query)
          .empty(307);
    } else {
      exchangeOf(context).detail(404, "Not Found");
    }
  }

  private void failed(RoutingContext context) {
    LOG.error(
        "{} {} failed", context.request().method(), context.request().path(), context.failure());
    exchangeOf(context).error(500, "INTERNAL_ERROR", "An internal error occurred");
  }

  private Exchange exchangeOf(RoutingContext context) {
    return new Exchange(context.request(), loop);
  }

  /// Adds the path of WebSockets. It does not go through the router, whose sockets are wrapped and
  /// hide their channel.
  public void addWebSocket(String path, Consumer<Exchange> handler) {
    webSocketPath = path;
    webSocketHandler = handler;
    paths.add(Pattern.compile(Pattern.quote(path)));
  }

  /// Handles a request.
  public void handle(HttpServerRequest request) {
    if (!webSocketPath.equals(request.path()) || !request.method().equals(HttpMethod.GET)) {
      router.handle(request);
      return;
    }
    Exchange exchange = new Exchange(request, loop);
    guard
        .refuse(request)
        .ifPresentOrElse(
            refusal -> exchange.detail(403, refusal), () -> webSocketHandler.accept(exchange));
  }
}
