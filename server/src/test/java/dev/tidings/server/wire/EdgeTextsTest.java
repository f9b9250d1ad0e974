// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.MDC;

/// Host patterns, origins, ids of requests: what they accept.
class EdgeTextsTest {

  @ParameterizedTest
  @CsvSource({
    "relay.example.com, relay.example.com, true",
    "Relay.Example.com, RELAY.example.COM, true",
    "relay.example.com, a.relay.example.com, false",
    "relay.example.com, example.com, false",
    "*.example.com, relay.example.com, true",
    "*.example.com, a.b.example.com, true",
    "*.example.com, example.com, false",
    "*.example.com, badexample.com, false",
    "*, anything, true",
    "'[::1]', '[::1]', true",
    "localhost, '', false"
  })
  void hostPattern_matches(String pattern, String host, boolean matches) {
    assertThat(HostPattern.parse(pattern).orElseThrow().matches(host)).isEqualTo(matches);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "a b", "http://a", "a:80", "a.*.b", "*a", "**", "a/", "-a", ".a", "a,b"})
  void hostPattern_ofSomethingElse_isNone(String text) {
    assertThat(HostPattern.parse(text)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "*",
        "https://app.example.com",
        "http://localhost:3000",
        "http://[::1]:3000",
        "chrome-extension://abcdef"
      })
  void origin_asBrowsersWriteIt_isOne(String text) {
    assertThat(Origin.parse(text)).isPresent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "app.example.com",
        "https://",
        "https://a/",
        "https://a/b",
        "https://*.a",
        "null"
      })
  void origin_ofSomethingElse_isNone(String text) {
    assertThat(Origin.parse(text)).isEmpty();
  }

  @Test
  void requestId_isOneTo128VisibleAsciiCharacters() {
    assertThat(RequestIds.isUsable("")).isFalse();
    assertThat(RequestIds.isUsable("!")).isTrue();
    assertThat(RequestIds.isUsable("~".repeat(128))).isTrue();
    assertThat(RequestIds.isUsable("~".repeat(129))).isFalse();
    assertThat(RequestIds.isUsable("a b")).isFalse();
    assertThat(RequestIds.isUsable("a\u007f")).isFalse();
    assertThat(RequestIds.isUsable("é")).isFalse();
  }

  @Test
  void mark_insideAnother_givesTheOtherBack() {
    try (RequestMark _ = RequestMark.of("outer")) {
      try (RequestMark _ = RequestMark.of("inner")) {
        assertThat(MDC.get(RequestMark.KEY)).isEqualTo("inner");
      }
      assertThat(MDC.get(RequestMark.KEY)).isEqualTo("outer");
    }
    assertThat(MDC.get(RequestMark.KEY)).isNull();
  }

  @Test
  void mark_isCarriedToAnotherThread() throws InterruptedException {
    String[] seen = new String[2];
    Runnable carried;
    try (RequestMark _ = RequestMark.of("first")) {
      carried = RequestMark.carried(() -> seen[0] = MDC.get(RequestMark.KEY));
    }
    Thread other =
        Thread.ofPlatform()
            .start(() -> {
              carried.run();
              seen[1] = MDC.get(RequestMark.KEY);
            });
    other.join();
    assertThat(seen).containsExactly("first", null);
  }
}
