// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/// The routes of one event loop, with what every request goes through: the guard, the path it met,
/// what happens where there is none, and the count of answers.
///
/// Paths without parameters, which are those that matter for speed, are looked up at once; the
/// others go through the framework's router. That also keeps WebSockets off the router, which would
/// wrap them and hide their channel.
public final class Routes {
  private static final String PARAMETER = "\\{([a-z_]+)}";
  private static final Set<HttpMethod> METHODS =
      Set.of(
          HttpMethod.GET,
          HttpMethod.HEAD,
          HttpMethod.POST,
          HttpMethod.PUT,
          HttpMethod.PATCH,
          HttpMethod.DELETE,
          HttpMethod.OPTIONS);

  private final Router router;
  private final EventLoop loop;
  private final Answers.Counts counts;
  private final Guard guard;
  private final Map<String, Map<HttpMethod, Route>> fixed = new HashMap<>();
  private final List<Pattern> patterns = new ArrayList<>();

  private record Route(Consumer<Exchange> handler, Answers answers) {}

  /// Routes for the requests of `loop`.
  public Routes(Vertx vertx, EventLoop loop, Answers.Counts counts, Guard guard) {
    this.router = Router.router(vertx);
    this.loop = loop;
    this.counts = counts;
    this.guard = guard;
    router.errorHandler(
        404, context -> answer(context.request(), exchange -> exchange.detail(404, "Not Found")));
    router.errorHandler(
        405,
        context ->
            answer(context.request(), exchange -> exchange.detail(405, "Method Not Allowed")));
    router.errorHandler(
        400,
        context ->
            answer(
                context.request(),
                exchange -> exchange.detail(400, "The request is not valid HTTP")));
    router.errorHandler(
        500,
        context ->
            answer(
                context.request(),
                exchange -> exchange.error(500, "INTERNAL_ERROR", "An internal error occurred")));
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
    Route route = new Route(handler, counts.answers(path, method.name()));
    String template = path.replaceAll(PARAMETER, ":$1");
    if (template.equals(path)) {
      fixed.computeIfAbsent(path, _ -> new HashMap<>()).put(method, route);
    } else {
      patterns.add(Pattern.compile(path.replaceAll(PARAMETER, "[^/]+")));
      router
          .route(method, template)
          .handler(context -> run(context.request(), route, context.pathParams()));
    }
  }

  private void run(HttpServerRequest request, Route route) {
    run(request, route, Map.of());
  }

  private void run(HttpServerRequest request, Route route, Map<String, String> pathParameters) {
    Exchange exchange = new Exchange(request, loop, route.answers(), pathParameters);
    exchange.guarded(() -> route.handler().accept(exchange));
  }

  /// Handles a request.
  public void handle(HttpServerRequest request) {
    Optional<String> refusal = guard.refuse(request);
    if (refusal.isPresent()) {
      answer(request, exchange -> exchange.detail(403, refusal.get()));
      return;
    }
    String path = request.path();
    Map<HttpMethod, Route> methods = path == null ? null : fixed.get(path);
    if (methods != null) {
      Route route = methods.get(request.method());
      if (route != null) {
        run(request, route);
      } else {
        answer(request, exchange -> exchange.detail(405, "Method Not Allowed"));
      }
    } else if (path != null && path.length() > 1 && path.endsWith("/")) {
      redirect(request, path.substring(0, path.length() - 1));
    } else {
      router.handle(request);
    }
  }

  private void answer(HttpServerRequest request, Consumer<Exchange> answer) {
    run(request, new Route(answer, counts.answers("none", known(request.method()))));
  }

  /// The name of a method for the metrics: what clients make up must not become a label.
  private static String known(HttpMethod method) {
    return METHODS.contains(method) ? method.name() : "other";
  }

  /// A slash at the end of a known path redirects to the path without it, as FastAPI does.
  private void redirect(HttpServerRequest request, String path) {
    if (fixed.containsKey(path)
        || patterns.stream().anyMatch(known -> known.matcher(path).matches())) {
      String query = request.query();
      answer(
          request,
          exchange ->
              exchange
                  .with(HttpHeaders.LOCATION, query == null ? path : path + "?" + query)
                  .empty(307));
    } else {
      answer(request, exchange -> exchange.detail(404, "Not Found"));
    }
  }
}
