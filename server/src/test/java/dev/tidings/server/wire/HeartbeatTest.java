// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.server.wire.Heartbeat.Beat;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class HeartbeatTest {
  // Anywhere, also where the sum is beyond the largest number.
  private static final long START = Long.MAX_VALUE - Duration.ofSeconds(3).toNanos();

  private final Heartbeat heartbeat = new Heartbeat(Duration.ofSeconds(2), START);

  private Beat tickAt(double seconds) {
    return heartbeat.tick(at(seconds));
  }

  private static long at(double seconds) {
    return START + (long) (seconds * 1e9);
  }

  @Test
  void quiet_isPingedAfterAnInterval() {
    assertThat(tickAt(1.9)).isEqualTo(Beat.WAIT);
    assertThat(tickAt(2)).isEqualTo(Beat.PING);
  }

  @Test
  void pinged_isNotPingedAgain_beforeItIsHeard() {
    assertThat(tickAt(2)).isEqualTo(Beat.PING);
    assertThat(tickAt(3)).isEqualTo(Beat.WAIT);
    heartbeat.heard(at(3.5));
    assertThat(tickAt(5.4)).isEqualTo(Beat.WAIT);
    assertThat(tickAt(5.5)).isEqualTo(Beat.PING);
  }

  @Test
  void unanswered_isGivenUpAtTheSecondLook() {
    assertThat(tickAt(2)).isEqualTo(Beat.PING);
    assertThat(tickAt(3.9)).isEqualTo(Beat.WAIT);
    assertThat(tickAt(4)).isEqualTo(Beat.WAIT);
    assertThat(tickAt(5)).isEqualTo(Beat.GIVE_UP);
  }

  @Test
  void tickThatComesLate_pingsFirst() {
    assertThat(tickAt(100)).isEqualTo(Beat.PING);
    heartbeat.heard(at(100.1));
    assertThat(tickAt(101)).isEqualTo(Beat.WAIT);
  }

  @Test
  void pauseAfterAPing_leavesTimeToReadTheAnswer() {
    assertThat(tickAt(2)).isEqualTo(Beat.PING);
    assertThat(tickAt(100)).isEqualTo(Beat.WAIT);
    heartbeat.heard(at(100.1));
    assertThat(tickAt(101)).isEqualTo(Beat.WAIT);
    assertThat(tickAt(103)).isEqualTo(Beat.PING);
  }
}
