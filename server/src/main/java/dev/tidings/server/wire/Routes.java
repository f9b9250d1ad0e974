// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.Router;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

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
  private final Edge edge;
  private final RequestIds ids = new RequestIds(ThreadLocalRandom.current().nextInt());
  private final AccessLog accessLog;
  private final Map<String, Map<HttpMethod, Route>> fixed = new HashMap<>();
  private final Map<String, Template> templates = new LinkedHashMap<>();
  // Of the routes that are being added.
  private ErrorShape errors = ErrorShape.CODED;

  private record Route(Consumer<Call> handler, Answers answers, ErrorShape errors) {}

  /// A path with parameters, and the methods it has.
  private record Template(Pattern pattern, ErrorShape errors, Set<HttpMethod> methods) {}

  /// Routes for the requests of `loop`.
  public Routes(Vertx vertx, EventLoop loop, Answers.Counts counts, Edge edge) {
    this.router = Router.router(vertx);
    this.loop = loop;
    this.counts = counts;
    this.edge = edge;
    this.accessLog = new AccessLog(edge.time());
    router.errorHandler(404, context -> notFound(context.request()));
    router.errorHandler(405, context -> wrongMethod(context.request()));
    router.errorHandler(400, context -> notHttp(context.request(), 400));
    router.errorHandler(
        500,
        context ->
            answer(
                context.request(),
                call -> call.error(500, "INTERNAL_ERROR", "An internal error occurred")));
  }

  /// A check that comes before every route.
  public interface Guard {
    /// Why the request is refused; empty if it is not.
    Optional<Refused> refuse(HttpServerRequest request);

    /// How a request is refused.
    ///
    /// @param status of the answer
    /// @param detail its text
    record Refused(int status, String detail) {}

    /// A guard that refuses what one of `guards` refuses.
    static Guard all(List<Guard> guards) {
      List<Guard> each = List.copyOf(guards);
      return request -> {
        for (Guard guard : each) {
          Optional<Refused> refused = guard.refuse(request);
          if (refused.isPresent()) {
            return refused;
          }
        }
        return Optional.empty();
      };
    }
  }

  /// Adds, by running `api`, the routes of an API that tells errors in the shape `shape`.
  public void telling(ErrorShape shape, Runnable api) {
    errors = shape;
    api.run();
    errors = ErrorShape.CODED;
  }

  /// Adds a route of which one address may make a limited number of calls; as below.
  public void add(HttpMethod method, String path, RateLimits.Kind limit, Consumer<Call> handler) {
    add(method, path, edge.limits().before(limit, handler));
  }

  /// Adds a route; a part of the path in braces is a parameter.
  public void add(HttpMethod method, String path, Consumer<Call> handler) {
    Route route = new Route(handler, counts.answers(path, method.name()), errors);
    String template = path.replaceAll(PARAMETER, ":$1");
    if (template.equals(path)) {
      fixed.computeIfAbsent(path, _ -> new HashMap<>()).put(method, route);
    } else {
      templates
          .computeIfAbsent(
              template,
              _ ->
                  new Template(
                      Pattern.compile(path.replaceAll(PARAMETER, "[^/]+")),
                      errors,
                      new HashSet<>()))
          .methods()
          .add(method);
      router
          .route(method, template)
          .handler(context -> run(context.request(), route, context.pathParams()));
    }
  }

  /// Handles a request: whether it is meant for this server, what it tells pages of other sites,
  /// then its route.
  public void handle(HttpServerRequest request) {
    Optional<Guard.Refused> refused = edge.guard().refuse(request);
    if (refused.isPresent()) {
      answer(request, call -> call.detail(refused.get().status(), refused.get().detail()));
    } else if (edge.origins().isPreflight(request)) {
      answer(request, edge.origins()::answerPreflight);
    } else {
      edge.origins().tell(request);
      route(request);
    }
  }

  private void route(HttpServerRequest request) {
    String path = request.path();
    Map<HttpMethod, Route> methods = path == null ? null : fixed.get(path);
    if (!isReadable(request.query())) {
      notHttp(request, 400);
    } else if (methods != null) {
      Route route = methods.get(request.method());
      if (route != null) {
        run(request, route, Map.of());
      } else {
        wrongMethod(request);
      }
    } else if (path != null && path.length() > 1 && path.endsWith("/")) {
      redirect(request, path.substring(0, path.length() - 1));
    } else {
      router.handle(request);
    }
  }

  /// Whether the escapes of a query can be read: what reads it later takes that for granted.
  private static boolean isReadable(@Nullable String query) {
    if (query == null || query.indexOf('%') < 0) {
      return true;
    }
    for (int at = query.indexOf('%'); at >= 0; at = query.indexOf('%', at + 1)) {
      if (at + 2 >= query.length()
          || !HexFormat.isHexDigit(query.charAt(at + 1))
          || !HexFormat.isHexDigit(query.charAt(at + 2))) {
        return false;
      }
    }
    return true;
  }

  private void run(HttpServerRequest request, Route route, Map<String, String> pathParameters) {
    Call call =
        new Call(request, ids.of(request), loop, route.answers(), route.errors(), pathParameters);
    accessLog.watch(call);
    call.guarded(() -> route.handler().accept(call));
  }

  // ---- answers that belong to no route ----

  private void answer(HttpServerRequest request, Consumer<Call> answer) {
    Answers answers = counts.answers("none", known(request.method()));
    run(request, new Route(answer, answers, shapeOf(request.path())), Map.of());
  }

  /// How errors are told on a path, whatever the method.
  private ErrorShape shapeOf(@Nullable String path) {
    if (path == null) {
      return ErrorShape.CODED;
    }
    Map<HttpMethod, Route> methods = fixed.get(path);
    return methods != null
        ? methods.values().iterator().next().errors()
        : matching(path).map(Template::errors).findFirst().orElse(ErrorShape.CODED);
  }

  private Stream<Template> matching(String path) {
    return templates.values().stream().filter(it -> it.pattern().matcher(path).matches());
  }

  private void notFound(HttpServerRequest request) {
    answer(request, call -> call.detail(404, "Not Found"));
  }

  private void wrongMethod(HttpServerRequest request) {
    String allowed =
        methodsOf(request.path()).map(HttpMethod::name).sorted().collect(Collectors.joining(", "));
    answer(request, call -> call.with(Headers.ALLOW, allowed).detail(405, "Method Not Allowed"));
  }

  /// The name of a method for the metrics: what clients make up must not become a label.
  private static String known(HttpMethod method) {
    return METHODS.contains(method) ? method.name() : "other";
  }

  /// A slash at the end of a known path redirects to the path without it, as FastAPI does.
  private void redirect(HttpServerRequest request, String path) {
    if (methodsOf(path).findAny().isPresent()) {
      String query = request.query();
      answer(
          request,
          call ->
              call.with(HttpHeaders.LOCATION, query == null ? path : path + "?" + query)
                  .empty(307));
    } else {
      notFound(request);
    }
  }

  private Stream<HttpMethod> methodsOf(@Nullable String path) {
    if (path == null) {
      return Stream.empty();
    }
    Map<HttpMethod, Route> methods = fixed.get(path);
    return methods != null
        ? methods.keySet().stream()
        : matching(path).flatMap(template -> template.methods().stream());
  }

  /// Answers what cannot be read as a request, and ends its connection.
  public void unreadable(HttpServerRequest request) {
    int status =
        switch (request.decoderResult().cause()) {
          case TooLongHttpLineException _ -> 414;
          case TooLongHttpHeaderException _ -> 431;
          case null, default -> 400;
        };
    notHttp(request, status);
    var _ = request.connection().close();
  }

  private void notHttp(HttpServerRequest request, int status) {
    answer(
        request,
        call ->
            call.detail(
                status,
                switch (status) {
                  case 414 -> "The first line of the request is too long";
                  case 431 -> "The headers of the request are too long";
                  default -> "The request is not valid HTTP";
                }));
  }
}
