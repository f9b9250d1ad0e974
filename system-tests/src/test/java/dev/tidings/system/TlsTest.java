// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// HTTPS and secure WebSockets, and certificates that are renewed, broken or missing.
@Tag("embedded")
@SystemTest
final class TlsTest {
  // Each costs a process.
  private static final TestCertificate FIRST = TestCertificate.signed("first");
  private static final TestCertificate OLD = TestCertificate.ofName("old");
  private static final TestCertificate FRESH = TestCertificate.withRsa("fresh");

  private Path folder;
  private TidingsProcess server;

  @BeforeAll
  void start() {
    folder = TidingsProcess.newDataDir();
    FIRST.write(folder);
    // What it encrypts is much.
    server =
        TidingsProcess.toStay(() -> TidingsProcess.startSecured(environment(folder, Map.of())));
  }

  @AfterAll
  void stop() {
    server.close();
  }

  private static Map<String, String> environment(Path folder, Map<String, String> more) {
    var environment =
        new HashMap<>(
            Map.of(
                "TIDINGS_TLS_PORT",
                "0",
                "TIDINGS_TLS_CERTIFICATE",
                folder.resolve("cert.pem").toString(),
                "TIDINGS_TLS_PRIVATE_KEY",
                folder.resolve("key.pem").toString(),
                "TIDINGS_TLS_RELOAD_INTERVAL",
                "100ms"));
    environment.putAll(more);
    return environment;
  }

  private static HttpClient client(SSLContext trust) {
    return HttpClient.newBuilder().sslContext(trust).connectTimeout(Duration.ofSeconds(20)).build();
  }

  private static HttpResponse<String> get(HttpClient client, TidingsProcess server, String path) {
    try {
      return client.send(
          HttpRequest.newBuilder(URI.create(server.tlsUrl() + path))
              .timeout(Duration.ofSeconds(30))
              .build(),
          HttpResponse.BodyHandlers.ofString());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  /// What a handshake with these protocols shows and chooses.
  private static SSLSocket handshake(TidingsProcess server, SSLContext trust, String... protocols) {
    try {
      URI url = server.tlsUrl();
      var socket = (SSLSocket) trust.getSocketFactory().createSocket(url.getHost(), url.getPort());
      socket.setSoTimeout(10_000);
      if (protocols.length > 0) {
        socket.setEnabledProtocols(protocols);
      }
      socket.startHandshake();
      return socket;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static X509Certificate shown(TidingsProcess server, SSLContext trust) {
    try (SSLSocket socket = handshake(server, trust)) {
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// A subscribed socket over TLS that the test reads by hand.
  private static RawWebSocket subscribed(
      TidingsProcess server, SSLContext trust, String token, String topic, int receiveBuffer) {
    var socket = RawWebSocket.over(RawConnection.openTls(server, trust, receiveBuffer), token);
    socket.subscribe(topic);
    return socket;
  }

  private static List<Integer> numbers(RawWebSocket socket, int count) {
    var numbers = new ArrayList<Integer>(count);
    for (int i = 0; i < count; i++) {
      numbers.add(socket.expect("message").get("payload").get("n").asInt());
    }
    return numbers;
  }

  private static List<Integer> upTo(int end) {
    return IntStream.range(0, end).boxed().toList();
  }

  @Test
  void bothPorts_haveTheSameRoutes() throws Exception {
    SSLContext trust = TestCertificate.trusting(FIRST);
    try (HttpClient client = client(trust)) {
      HttpResponse<String> health = get(client, server, "/health");
      assertThat(health.statusCode()).isEqualTo(200);
      assertThat(health.version()).as("no HTTP/2").isEqualTo(HttpClient.Version.HTTP_1_1);
      assertThat(get(client, server, "/auth/me").statusCode()).isEqualTo(401);
      String topic = RelayClient.unique("both");
      HttpResponse<String> published =
          client.send(
              HttpRequest.newBuilder(URI.create(server.tlsUrl() + "/api/v1/messages"))
                  .header("Authorization", "Bearer " + server.admin().token())
                  .POST(
                      HttpRequest.BodyPublishers.ofString(
                          "{\"topic\":\"" + topic + "\",\"payload\":{\"n\":0}}"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(published.statusCode()).isEqualTo(201);
      assertThat(server.admin().readAll(topic).messages()).hasSize(1);
    }
    assertThat(server.anonymous().get("/health").status()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void protocol_fromTwelveOn_isSpoken(String protocol) throws Exception {
    try (SSLSocket socket = handshake(server, TestCertificate.trusting(FIRST), protocol)) {
      assertThat(socket.getSession().getProtocol()).isEqualTo(protocol);
    }
  }

  /// No Java speaks TLS 1.1 any more, so the greeting is written by hand.
  @Test
  void protocol_below12_isRefused() throws Exception {
    URI url = server.tlsUrl();
    try (Socket socket = new Socket(url.getHost(), url.getPort())) {
      socket.setSoTimeout(10_000);
      byte[] hello =
          ByteBuffer.allocate(50)
              .put(new byte[] {22, 3, 1, 0, 45}) // handshake record
              .put(new byte[] {1, 0, 0, 41}) // client hello
              .put(new byte[] {3, 2}) // TLS 1.1
              .put(new byte[32]) // random
              .put((byte) 0) // no session
              .put(new byte[] {0, 2, (byte) 0xC0, 0x09}) // one cipher suite of that time
              .put(new byte[] {1, 0}) // no compression
              .array();
      socket.getOutputStream().write(hello);
      var in = new DataInputStream(socket.getInputStream());
      assertThat(in.readByte()).as("an alert").isEqualTo((byte) 21);
      in.skipNBytes(4);
      assertThat(in.readByte()).as("fatal").isEqualTo((byte) 2);
      assertThat(in.readByte()).as("protocol version").isEqualTo((byte) 70);
    }
  }

  @Test
  void sockets_overTls_getEveryMessageInOrder() {
    SSLContext trust = TestCertificate.trusting(FIRST);
    RelayClient admin = server.admin();
    String topic = RelayClient.unique("fan");
    var sockets = new ArrayList<RawWebSocket>();
    for (int i = 0; i < 20; i++) {
      sockets.add(subscribed(server, trust, admin.token(), topic, 0));
    }
    admin.publishNumbers(topic, 0, 1000);
    for (RawWebSocket socket : sockets) {
      assertThat(numbers(socket, 1000)).isEqualTo(upTo(1000));
      socket.close();
    }
  }

  /// What readers do not take must wait in the log, not in the server's memory: that has 512 MiB,
  /// and would need more than twice as much.
  @Test
  void sockets_thatDoNotRead_costNothingAndMissNothing() {
    SSLContext trust = TestCertificate.trusting(FIRST);
    RelayClient admin = server.admin();
    String topic = RelayClient.unique("slow");
    var slow = new ArrayList<RawWebSocket>();
    for (int i = 0; i < 40; i++) {
      slow.add(subscribed(server, trust, admin.token(), topic, 16 * 1024));
    }
    long before = server.residentMemory().orElse(0L);

    admin.publishNumbers(topic, 0, 3_000, "x".repeat(10_000));

    long grown = server.residentMemory().orElse(0L) - before;
    assertThat(grown).as("bytes of resident memory").isLessThan(300L << 20);
    assertThat(numbers(slow.getFirst(), 3_000)).isEqualTo(upTo(3_000));
    assertThat(numbers(slow.getLast(), 3_000)).isEqualTo(upTo(3_000));
    slow.forEach(RawWebSocket::close);
  }

  @Test
  void files_thatChange_areTakenIntoUse_andOpenSocketsStay() {
    Path renewed = TidingsProcess.newDataDir();
    SSLContext trust = TestCertificate.trusting(OLD, FRESH);
    OLD.write(renewed);
    try (TidingsProcess own = TidingsProcess.startSecured(environment(renewed, Map.of()))) {
      assertThat(shown(own, trust)).isEqualTo(OLD.own());
      RelayClient admin = own.admin();
      String topic = RelayClient.unique("renewed");
      RawWebSocket open = subscribed(own, trust, admin.token(), topic, 0);

      FRESH.write(renewed);

      Await.until("the new certificate", () -> shown(own, trust).equals(FRESH.own()));
      admin.publishNumber(topic, 0);
      assertThat(numbers(open, 1)).isEqualTo(upTo(1));
      open.close();
      assertThat(own.errors()).contains("CN=old ends in", "CN=fresh ends in");
      double left = OperationsTest.metric(admin, "tidings_tls_certificate_expiry_seconds");
      assertThat(left)
          .isCloseTo(
              (double)
                  Duration.between(Instant.now(), FRESH.own().getNotAfter().toInstant())
                      .toSeconds(),
              within(60.0));
    }
  }

  @Test
  void files_thatAreBroken_areToldOnce_andTheOldOnesStay() {
    Path renewed = TidingsProcess.newDataDir();
    SSLContext trust = TestCertificate.trusting(OLD, FIRST);
    OLD.write(renewed);
    String told = "the TLS certificate stays as it was";
    try (TidingsProcess own = TidingsProcess.startSecured(environment(renewed, Map.of()))) {
      TestCertificate.replace(renewed.resolve("cert.pem"), "no certificate");
      Await.until("what is wrong", () -> own.errors().contains("cert.pem"));
      assertThat(own.errors()).contains(told);

      FIRST.writeChain(renewed); // Its key is missing yet.
      Await.until("the other fault", () -> own.errors().contains("is not the key of the first"));
      assertThat(shown(own, trust)).isEqualTo(OLD.own());

      FIRST.writeKey(renewed);
      Await.until("the new certificate", () -> shown(own, trust).equals(FIRST.own()));
      assertThat(own.errors().split(told, -1)).as("told once for each change").hasSize(3);
    }
  }

  @Test
  void plainPort_canBeOff() {
    Map<String, String> environment = environment(folder, Map.of("TIDINGS_SERVER_PLAIN", "false"));
    try (TidingsProcess own = TidingsProcess.startSecured(environment);
        HttpClient client = client(TestCertificate.trusting(FIRST))) {
      assertThat(own.output()).doesNotContain("http://");
      assertThat(get(client, own, "/ready").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void certificate_thatEndsSoonOrHasEnded_isTold() {
    Path own = TidingsProcess.newDataDir();
    TestCertificate.ofName("soon", "-validity", "3").write(own);
    try (TidingsProcess started = TidingsProcess.startSecured(environment(own, Map.of()))) {
      assertThat(started.errors())
          .containsPattern("WARN.*the TLS certificate of CN=soon ends in 2 days");
    }
    TestCertificate.ofName("ended", "-startdate", "-5d", "-validity", "1").write(own);
    try (TidingsProcess started = TidingsProcess.startSecured(environment(own, Map.of()))) {
      assertThat(started.errors())
          .containsPattern("ERROR.*the TLS certificate of CN=ended has ended");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "cert.pem | missing  | 1 | tls.certificate: .*cert.pem does not exist",
        "key.pem  | missing  | 1 | tls.private-key: .*key.pem does not exist",
        "cert.pem | garbage  | 1 | cannot be used: .*CERTIFICATE",
        "key.pem  | garbage  | 1 | cannot be used: .*PRIVATE KEY",
        "key.pem  | stranger | 1 | tls.private-key: .*key.pem is not the key of the first",
        "key.pem  | unset    | 2 | tls.private-key: not set",
      })
  void start_withUnusableFiles_isRefused(String file, String how, int code, String told)
      throws IOException {
    Path own = TidingsProcess.newDataDir();
    OLD.write(own);
    var environment = new HashMap<>(TidingsProcess.SECURED_ENVIRONMENT);
    environment.putAll(environment(own, Map.of()));
    switch (how) {
      case "missing" -> Files.delete(own.resolve(file));
      case "garbage" -> Files.writeString(own.resolve(file), "garbage");
      case "stranger" -> FIRST.writeKey(own);
      default -> environment.remove("TIDINGS_TLS_PRIVATE_KEY");
    }
    try (TidingsProcess refused =
        TidingsProcess.launchServe("tls-refused", TidingsProcess.newDataDir(), environment)) {
      assertThat(refused.awaitExit(Duration.ofSeconds(30))).isEqualTo(code);
      assertThat(refused.errors()).containsPattern(told);
    }
  }

  @Test
  void commands_trustTheAuthoritiesTheyAreGiven() {
    Path authority = folder.resolve("ca.pem");
    FIRST.writeAuthority(authority);
    String topic = RelayClient.unique("command");
    String[] common = {
      "--url", server.tlsUrl().toString(), "--token", server.admin().token(), "--ca-file", ""
    };
    common[5] = authority.toString();

    String published = TidingsProcess.command(with(common, "publish", topic, "{\"n\":7}"));
    assertThat(published).contains("msg_").endsWith("exit code 0");
    String tailed =
        TidingsProcess.command(with(common, "tail", topic, "--from", "earliest", "--count", "1"));
    assertThat(tailed).contains("{\"n\":7}").endsWith("exit code 0");

    String[] distrusting = Arrays.copyOf(common, 4);
    assertThat(TidingsProcess.command(with(distrusting, "publish", topic, "{}")))
        .contains("no TLS with https://", "--ca-file")
        .endsWith("exit code 1");
    common[5] = folder.resolve("key.pem").toString();
    assertThat(TidingsProcess.command(with(common, "publish", topic, "{}")))
        .contains("--ca-file: ", "expected: a PEM file with certificates")
        .endsWith("exit code 1");
  }

  private static String[] with(String[] options, String... command) {
    return Stream.concat(Arrays.stream(command), Arrays.stream(options)).toArray(String[]::new);
  }
}
