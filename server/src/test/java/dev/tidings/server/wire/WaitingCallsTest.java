// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class WaitingCallsTest {

  @Test
  void bounds_areOfAllAndOfOneUser_andRefusedOnesDoNotCount() {
    WaitingCalls calls = new WaitingCalls(3, 2);
    assertThat(calls.enter("a")).isTrue();
    assertThat(calls.enter("a")).isTrue();
    assertThat(calls.enter("a")).isFalse();
    assertThat(calls.enter("b")).isTrue();
    assertThat(calls.enter("b")).isFalse();
    assertThat(calls.waiting()).isEqualTo(3);

    calls.leave("a");

    assertThat(calls.enter("b")).isTrue();
    assertThat(calls.enter("a")).isFalse();
  }
}
