// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.runtime.Refusal;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One HTTP request and the answer to it.
///
/// Answers that come when the client is gone are dropped.
public final class Call {
  private static final Logger LOG = LoggerFactory.getLogger(Call.class);
  private static final CharSequence CHALLENGE = HttpHeaders.createOptimized("www-authenticate");
  private static final CharSequence JSON = HttpHeaders.createOptimized("application/json");
  private static final CharSequence ONE_SECOND = HttpHeaders.createOptimized("1");

  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final EventLoop loop;
  private final Answers answers;
  private final Map<String, String> pathParameters;
  private final String requestId;
  private final ErrorShape errors;
  private String caller = "";
  private @Nullable Runnable over;
  private final long sinceNs;

  /// The call made by `request`, which arrived on `loop` with these parameters in its path; its
  /// answer carries `requestId`, is counted in `answers` and, if it is an error, looks as `errors`
  /// say.
  Call(
      HttpServerRequest request,
      String requestId,
      EventLoop loop,
      Answers answers,
      ErrorShape errors,
      Map<String, String> pathParameters) {
    this.request = request;
    this.pathParameters = pathParameters;
    this.response = request.response();
    this.loop = loop;
    this.answers = answers;
    this.errors = errors;
    this.requestId = requestId;
    response.headers().set(Headers.REQUEST_ID, requestId);
    this.sinceNs = answers.now();
  }

  /// Runs a step of its handling, with its id on the lines that are logged; a fault in it is logged
  /// and answered with 500, so that the client does not wait for ever.
  public void guarded(Runnable step) {
    try (RequestMark _ = RequestMark.of(requestId)) {
      try {
        step.run();
      } catch (RuntimeException e) {
        failed(e);
      }
    }
  }

  /// As [#guarded] does, for a step that catches its faults itself.
  public void failed(RuntimeException fault) {
    try (RequestMark _ = RequestMark.of(requestId)) {
      LOG.error("{} {} failed", request.method(), request.path(), fault);
    }
    error(500, "INTERNAL_ERROR", "An internal error occurred");
  }

  /// The id of the request, in its answer and on its log lines.
  public String requestId() {
    return requestId;
  }

  /// Notes who calls, for the access log.
  public void calledBy(String username) {
    caller = username;
  }

  /// Who calls, if that is known by now.
  Optional<String> caller() {
    return caller.isEmpty() ? Optional.empty() : Optional.of(caller);
  }

  /// Runs `step` when it is over: answered, upgraded to a WebSocket, or left by its client.
  void whenOver(Runnable step) {
    over = step;
    response.endHandler(_ -> finish());
    response.closeHandler(_ -> finish());
  }

  private void finish() {
    Runnable step = over;
    over = null;
    if (step != null) {
      try (RequestMark _ = RequestMark.of(requestId)) {
        step.run();
      }
    }
  }

  /// Runs `step` if the client leaves before the whole answer is written.
  public void whenGone(Runnable step) {
    response.closeHandler(_ -> {
      finish();
      step.run();
    });
  }

  /// Its answer may take as long as `answer`: its connection is not idle until then.
  public void answeredWithin(Duration answer) {
    Connections.Connection connection = loop.connections().find(request.connection());
    if (connection != null) {
      connection.answeredWithin(answer.toNanos());
    }
  }

  /// It has become a WebSocket.
  public void upgraded() {
    finish();
  }

  /// The request.
  public HttpServerRequest request() {
    return request;
  }

  /// The event loop it lives on.
  public EventLoop loop() {
    return loop;
  }

  /// The path of the request; empty text where it has none.
  public String path() {
    String path = request.path();
    return path == null ? "" : path;
  }

  /// A header of the request; empty text where it has none.
  public String header(CharSequence name) {
    String value = request.headers().get(name);
    return value == null ? "" : value;
  }

  /// A parameter of the path, decoded.
  public String pathParameter(String name) {
    // Not the request's parameters: there a query parameter of that name would come first.
    String value = pathParameters.get(name);
    if (value == null) {
      throw new IllegalArgumentException("the route has no parameter " + name);
    }
    return value;
  }

  /// Answers with a JSON document.
  public void json(int status, JsonOut body) {
    json(status, body.toBuffer());
  }

  /// Answers with a JSON document.
  public void json(int status, Buffer body) {
    send(status, JSON, body);
  }

  /// Answers with a JSON document, and runs `undelivered` if its client is gone or leaves before it
  /// is written.
  public void json(int status, JsonOut body, Runnable undelivered) {
    json(status, body, () -> {}, undelivered);
  }

  /// As above, and runs `written` when it is.
  public void json(int status, JsonOut body, Runnable written, Runnable undelivered) {
    if (!isOpen()) {
      undelivered.run();
      return;
    }
    counted(status, body.length());
    response.setStatusCode(status);
    response.headers().set(HttpHeaders.CONTENT_TYPE, JSON);
    var _ =
        response
            .end(body.toBuffer())
            .onComplete(ended -> {
              if (ended.succeeded()) {
                written.run();
              } else {
                undelivered.run();
              }
            });
  }

  /// Answers with another kind of document.
  public void send(int status, CharSequence contentType, Buffer body) {
    if (isOpen()) {
      counted(status, body.length());
      response.setStatusCode(status);
      response.headers().set(HttpHeaders.CONTENT_TYPE, contentType);
      var _ = response.end(body);
    }
  }

  /// Answers 200 with a document that goes on: its parts are written to what is returned, until it
  /// is ended.
  public HttpServerResponse begin(CharSequence contentType) {
    counted(200, 0);
    response.headers().set(HttpHeaders.CONTENT_TYPE, contentType);
    return response;
  }

  /// Answers without a body.
  public void empty(int status) {
    if (isOpen()) {
      counted(status, 0);
      var _ = response.setStatusCode(status).end();
    }
  }

  private void counted(int status, int bodyBytes) {
    answers.sent(status, sinceNs, request.bytesRead(), bodyBytes);
  }

  private boolean isOpen() {
    return !response.ended() && !response.closed();
  }

  /// Adds a header to the answer.
  public Call with(CharSequence name, String value) {
    if (!response.headWritten()) {
      response.headers().set(name, value);
    }
    return this;
  }

  /// Answers an error that has no code, in the shape of its API.
  public void detail(int status, String text) {
    json(status, errors.write(status, "", text));
  }

  /// Answers 401 with the challenge that makes a browser or client log in.
  public void unauthorized(String text) {
    with(CHALLENGE, "Bearer").detail(401, text);
  }

  /// Answers 422 with what is wrong with the fields.
  public void invalid(List<FieldError> errors) {
    json(422, FieldError.write(errors));
  }

  /// Answers an error with its code, in the shape of its API.
  public void error(int status, String code, String text) {
    json(status, errors.write(status, code, text));
  }

  /// Answers 503: nothing was done, or its outcome is unknown, as `text` says.
  public void unavailable(String text) {
    response.headers().set(Headers.RETRY_AFTER, ONE_SECOND);
    detail(503, text);
  }

  /// Answers a refusal of the core.
  public void refused(Refusal refusal) {
    switch (refusal.code()) {
      case TOPIC_EXISTS, USER_EXISTS, ALREADY_GRANTED, LIMIT_REACHED ->
          detail(400, refusal.detail());
      case KEY_REUSED -> detail(422, refusal.detail());
      case TOO_MANY_KEYS -> detail(429, refusal.detail());
      case NO_BUFFER -> detail(400, refusal.detail());
      case STREAM_DELETED -> detail(410, refusal.detail());
      case SUBSCRIPTION_EXISTS, EXCHANGE_EXISTS, QUEUE_EXISTS -> detail(409, refusal.detail());
      case TOPIC_MISSING,
          NOT_GRANTED,
          USER_MISSING,
          CLIENT_MISSING,
          SUBSCRIPTION_MISSING,
          STREAM_MISSING,
          EXCHANGE_MISSING,
          QUEUE_MISSING,
          BINDING_MISSING ->
          detail(404, refusal.detail());
      case STALE_AUTHORITY, OVERLOADED, STORE_UNAVAILABLE, OUTCOME_UNKNOWN, FENCED ->
          unavailable(textFor(refusal));
      case DAMAGED, EXHAUSTED, INTERNAL -> error(500, "INTERNAL_ERROR", textFor(refusal));
    }
  }

  /// What a caller is told of a refusal. What the store says of itself may name files of this
  /// machine: that is for the log, where the commit lane has written it.
  public static String textFor(Refusal refusal) {
    return switch (refusal.code()) {
      case STORE_UNAVAILABLE -> "the store takes no writes now; nothing was written; try again";
      case OUTCOME_UNKNOWN ->
          "the store failed: what was asked may or may not have been written; try again";
      case DAMAGED -> "the stored entry of that name is damaged; the server's log tells more";
      case INTERNAL -> "An internal error occurred";
      case TOPIC_EXISTS,
          TOPIC_MISSING,
          ALREADY_GRANTED,
          KEY_REUSED,
          TOO_MANY_KEYS,
          NOT_GRANTED,
          USER_MISSING,
          CLIENT_MISSING,
          SUBSCRIPTION_EXISTS,
          SUBSCRIPTION_MISSING,
          STREAM_MISSING,
          EXCHANGE_EXISTS,
          EXCHANGE_MISSING,
          QUEUE_EXISTS,
          QUEUE_MISSING,
          BINDING_MISSING,
          STREAM_DELETED,
          NO_BUFFER,
          LIMIT_REACHED,
          USER_EXISTS,
          STALE_AUTHORITY,
          OVERLOADED,
          FENCED,
          EXHAUSTED ->
          refusal.detail();
    };
  }
}
