// SPDX-License-Identifier: Apache-2.0
package dev.tidings.system.contract;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.system.On;
import dev.tidings.system.Setup;
import dev.tidings.system.SystemTest;
import dev.tidings.system.TidingsProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The scripts of pulsar-relay's README, in a real browser. Address and token are put in, nothing
/// else is changed.
///
/// The relay sent no CORS headers and did not look at the Origin of a WebSocket: a page of any
/// origin could open a socket, and only pages of the server's own origin could poll.
@SystemTest
@Timeout(120)
final class BrowserExamplesTest {
  private static final String ADDRESS = "localhost:8080";
  private static final String TOKEN = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...";
  private static final String HELLO = "{\"user_id\":123,\"message\":\"Hello, World!\"}";

  @TempDir private Path folder;

  private final TidingsProcess shared;

  BrowserExamplesTest(@On(Setup.SECURED) TidingsProcess shared) {
    this.shared = shared;
  }

  private static String script(String example, String address, Caller user) {
    return Documents.example(example).replace(ADDRESS, address).replace(TOKEN, user.token());
  }

  @Test
  void webSocket_ofAnotherOrigin_receivesAndAcknowledges() throws Exception {
    try (ExamplePage page = new ExamplePage(shared)) {
      Caller user = Caller.admin(shared);
      page.script(script("websocket.js", "localhost:" + shared.url().getPort(), user));
      try (Chromium _ = Chromium.open(folder, page.url())) {
        page.expectConsole("[\"log\",\"Subscribed to:\",[\"notifications\",\"alerts\"]]");
        page.expectConsole("[\"log\",\"Session ID:\",\"<session-id>\"]");

        user.publish("notifications", HELLO).expect(201);
        page.expectConsole("[\"log\",\"Received:\"," + HELLO + "]");
        user.publish("alerts", "{\"n\":1}").expect(201);
        page.expectConsole("[\"log\",\"Received:\",{\"n\":1}]");
      }
    }
  }

  @Test
  void webSocket_withABadToken_tellsAnError() throws Exception {
    try (ExamplePage page = new ExamplePage(shared)) {
      Caller user = Caller.nobody(shared).withAuthorization("Bearer not-a-token");
      page.script(script("websocket.js", "localhost:" + shared.url().getPort(), user));
      try (Chromium _ = Chromium.open(folder, page.url())) {
        page.expectConsole("[\"error\",\"WebSocket error:\",\"[object Event]\"]");
      }
    }
  }

  @Test
  void longPoll_ofTheSameOrigin_receivesEachMessageOnce() throws Exception {
    try (TidingsProcess server = TidingsProcess.startSecured(Map.of());
        ExamplePage page = new ExamplePage(server)) {
      Caller user = Caller.user(server, "read", "write");
      page.script(script("long-poll.js", page.authority(), user));
      try (Chromium _ = Chromium.open(folder, page.url())) {
        expectPolled(page, user);
      }
    }
  }

  @Test
  void longPoll_withABadToken_tellsThatItExpired() throws Exception {
    try (ExamplePage page = new ExamplePage(shared)) {
      Caller user = Caller.nobody(shared).withAuthorization("Bearer not-a-token");
      page.script(script("long-poll.js", page.authority(), user));
      try (Chromium _ = Chromium.open(folder, page.url())) {
        page.expectConsole("[\"error\",\"Token expired - please re-authenticate\"]");
      }
    }
  }

  @Test
  void longPoll_ofAnotherOrigin_isRefusedByTheBrowser_asWithTheRelay() throws Exception {
    try (ExamplePage page = new ExamplePage(shared)) {
      Caller user = Caller.admin(shared);
      page.script(script("long-poll.js", "localhost:" + shared.url().getPort(), user));
      try (Chromium _ = Chromium.open(folder, page.url())) {
        page.expectConsole("[\"error\",\"Polling error:\",\"TypeError: Failed to fetch\"]");
      }
    }
  }

  /// Other origins may poll where the server names them.
  @Test
  void longPoll_ofAnAllowedOrigin_receives() throws Exception {
    try (TidingsProcess server =
            TidingsProcess.startSecured(Map.of("TIDINGS_SERVER_ALLOWED_ORIGINS", "*"));
        ExamplePage page = new ExamplePage(server)) {
      Caller user = Caller.user(server, "read", "write");
      page.script(script("long-poll.js", "localhost:" + server.url().getPort(), user));
      try (Chromium _ = Chromium.open(folder, page.url())) {
        expectPolled(page, user);
      }
    }
  }

  /// From the first message that reaches the page on, each must, once and in order.
  private static void expectPolled(ExamplePage page, Caller user) throws InterruptedException {
    int published = 0;
    Optional<String> first = Optional.empty();
    while (first.isEmpty() && published < 300) {
      // The first poll waits for what comes, and nothing tells from outside when it does.
      user.publish("notifications", "{\"n\":" + published++ + "}").expect(201);
      first = page.console(Duration.ofMillis(100));
    }
    JsonNode line = Template.parse(first.orElseThrow(() -> new AssertionError("nothing arrived")));
    assertThat(line.get(1).asString()).isEqualTo("Received:");
    user.publish("notifications", HELLO).expect(201);

    for (int next = line.get(2).get("n").asInt() + 1; next < published; next++) {
      page.expectConsole("[\"log\",\"Received:\",{\"n\":" + next + "}]");
    }
    page.expectConsole("[\"log\",\"Received:\"," + HELLO + "]");
    user.publish("alerts", "{\"n\":3}").expect(201);
    page.expectConsole("[\"log\",\"Received:\",{\"n\":3}]");
  }
}
