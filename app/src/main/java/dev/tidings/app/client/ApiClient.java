// SPDX-License-Identifier: Apache-2.0
package dev.tidings.app.client;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Speaks the HTTP API of one server as one user.
public final class ApiClient implements AutoCloseable {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(30);
  private static final JsonMapper JSON = new JsonMapper();

  private final URI server;
  private final Credentials credentials;
  private final HttpClient http;
  private Optional<String> token = Optional.empty();

  /// A client of `server`.
  ///
  /// @param authorities who may have signed its certificate, if it speaks TLS
  public ApiClient(URI server, Credentials credentials, Authorities authorities) {
    this.server = server;
    this.credentials = credentials;
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT_TIMEOUT)
            .sslContext(authorities.context())
            .build();
  }

  /// A client that trusts the authorities Java knows.
  public ApiClient(URI server, Credentials credentials) {
    this(server, credentials, Authorities.wellKnown());
  }

  /// Publishes one message and returns the answer, one line of JSON.
  ///
  /// @param payload a JSON object, sent as it is
  public String publish(
      String topic, String payload, Optional<Integer> ttl, Map<String, String> metadata)
      throws RequestException, InterruptedException {
    String body = messageBody(topic, payload, ttl, metadata);
    HttpResponse<String> answer = post("/api/v1/messages", body, token());
    if (answer.statusCode() == 401 && credentials instanceof Credentials.Login) {
      // The token has run out while lines were read: one new login, then the answer counts.
      token = Optional.empty();
      answer = post("/api/v1/messages", body, token());
    }
    return expect(201, answer, "publishing to " + topic).strip();
  }

  /// Whether the text is a JSON object, the only payload there is.
  public static boolean isJsonObject(String text) {
    try {
      return JSON.readTree(text).isObject();
    } catch (JacksonException _) {
      return false;
    }
  }

  /// The access token in use; logs in if there is none yet.
  String token() throws RequestException, InterruptedException {
    if (token.isEmpty()) {
      token =
          Optional.of(
              switch (credentials) {
                case Credentials.Token given -> given.token().value();
                case Credentials.Login login -> logIn(login);
              });
    }
    return token.get();
  }

  /// A token with its full lifetime ahead, unless a given one must do.
  String freshToken() throws RequestException, InterruptedException {
    token = Optional.empty();
    return token();
  }

  HttpClient http() {
    return http;
  }

  /// The address of a path of the API, with the scheme given or its WebSocket counterpart.
  URI address(String path, boolean webSocket) {
    String base = server.toString().replaceAll("/+$", "");
    return URI.create((webSocket ? base.replaceFirst("^http", "ws") : base) + path);
  }

  private String logIn(Credentials.Login login) throws RequestException, InterruptedException {
    String form =
        "username=" + encode(login.user()) + "&password=" + encode(login.password().value());
    HttpRequest request =
        HttpRequest.newBuilder(address("/auth/login", false))
            .timeout(ANSWER_TIMEOUT)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .POST(HttpRequest.BodyPublishers.ofString(form))
            .build();
    String answer = expect(200, send(request), "logging in as " + login.user());
    JsonNode made = JSON.readTree(answer).path("access_token");
    if (!made.isString()) {
      throw new RequestException(
          server + " answered the login without an access_token (expected: a Tidings server)");
    }
    return made.asString();
  }

  private HttpResponse<String> post(String path, String body, String bearer)
      throws RequestException, InterruptedException {
    return send(
        HttpRequest.newBuilder(address(path, false))
            .timeout(ANSWER_TIMEOUT)
            .header("Content-Type", "application/json")
            .header("Authorization", "Bearer " + bearer)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build());
  }

  private HttpResponse<String> send(HttpRequest request)
      throws RequestException, InterruptedException {
    try {
      return http.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (ConnectException e) {
      throw new RequestException(
          "nothing answers at "
              + server
              + " (expected: a running server; start one with `tidings serve --dev` or name it"
              + " with --url)",
          e);
    } catch (SSLException e) {
      throw new RequestException(
          "no TLS with "
              + server
              + ": "
              + e.getMessage()
              + " (expected: a server that speaks TLS, for whose name the certificate is, signed by"
              + " an authority Java knows or one in --ca-file)",
          e);
    } catch (IOException e) {
      throw new RequestException("no answer from " + server + ": " + e.getMessage(), e);
    }
  }

  private String expect(int status, HttpResponse<String> answer, String doing)
      throws RequestException {
    if (answer.statusCode() == status) {
      return answer.body();
    }
    throw new RequestException(
        "%s was refused by %s: %d %s"
            .formatted(doing, server, answer.statusCode(), detail(answer.body())));
  }

  /// What an error answer says: its `detail`, or the body if it has none.
  static String detail(String body) {
    try {
      JsonNode detail = JSON.readTree(body).path("detail");
      return detail.isString()
          ? detail.asString()
          : detail.isMissingNode() ? body : detail.toString();
    } catch (JacksonException _) {
      return body;
    }
  }

  private static String messageBody(
      String topic, String payload, Optional<Integer> ttl, Map<String, String> metadata) {
    StringBuilder body = new StringBuilder("{\"topic\":").append(JSON.writeValueAsString(topic));
    ttl.ifPresent(seconds -> body.append(",\"ttl\":").append(seconds));
    if (!metadata.isEmpty()) {
      body.append(",\"metadata\":").append(JSON.writeValueAsString(metadata));
    }
    return body.append(",\"payload\":").append(payload).append('}').toString();
  }

  static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
