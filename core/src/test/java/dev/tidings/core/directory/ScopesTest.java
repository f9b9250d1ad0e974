// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ScopesTest {
  @ParameterizedTest
  @EnumSource
  void everyScope_isValid_andAllButTheWildcardWithAnObject(Scope scope) {
    assertThat(Scopes.fault(scope.text())).isEmpty();
    if (scope != Scope.ALL) {
      assertThat(Scopes.fault(scope.text() + ":x")).isEmpty();
      assertThat(Scopes.fault(scope.text() + ":")).isEmpty();
    }
    assertThat(Scopes.fault(scope.text() + ":x:y"))
        .contains("Invalid scope " + scope.text() + ":x:y");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "topics",
        "topics:",
        "topics:write",
        "Topics:read",
        "topics:update",
        "subscriptions:publish",
        "*:*",
        "*:x:y",
        "**",
        ":",
        "::",
        "topics::x",
        "topics:read,topics:create",
        "topics:read:a\u0001b",
      })
  void otherWords_areNot(String word) {
    assertThat(Scopes.fault("topics:read " + word + " nonsense")).contains("Invalid scope " + word);
    assertThatThrownBy(() -> Scopes.of(word)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void anyWhiteSpace_isBetweenThem_andTheTextStaysAsItWas() {
    Scopes scopes = Scopes.of("topics:read\t topics:publish:a\u00a0\ntopics:create");
    assertThat(scopes.allows(Scope.TOPICS_READ)).isTrue();
    assertThat(scopes.allows(Scope.TOPICS_PUBLISH, "a")).isTrue();
    assertThat(scopes.allows(Scope.TOPICS_CREATE)).isTrue();
    assertThat(scopes.text()).isEqualTo("topics:read\t topics:publish:a\u00a0\ntopics:create");
  }

  @Test
  void lengthIsBounded_sinceTokensCarryThem() {
    String prefix = "topics:read:";
    String longest = prefix + "x".repeat(Scopes.MAX_BYTES - prefix.length());
    assertThat(Scopes.fault(longest)).isEmpty();
    assertThat(Scopes.fault(longest + "x"))
        .contains("The scopes have 2001 bytes (expected: at most 2000)");
  }

  @Test
  void emptyObject_allowsNothing() {
    Scopes scopes = Scopes.of("topics:read:");
    assertThat(scopes.allows(Scope.TOPICS_READ)).isFalse();
    assertThat(scopes.allows(Scope.TOPICS_READ, "")).isFalse();
    assertThat(scopes.allows(Scope.TOPICS_READ, "x")).isFalse();
    assertThat(scopes.allowsSome(Scope.TOPICS_READ)).isFalse();
  }

  @Test
  void wordsOfALaterProgram_allowNothing_butTheOthersCount() {
    Scopes scopes = Scopes.stored("queues:consume topics:read");
    assertThat(scopes.allows(Scope.TOPICS_READ)).isTrue();
    assertThat(scopes.allows(Scope.SUBSCRIPTIONS_CONSUME)).isFalse();
  }
}
