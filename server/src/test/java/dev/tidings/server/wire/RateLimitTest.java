// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tidings.core.runtime.ManualTime;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class RateLimitTest {
  private final ManualTime time = new ManualTime();
  private final RateLimit limit = new RateLimit(3, time);

  private RateLimit.Verdict take(String address) {
    try {
      return limit.take(InetAddress.getByName(address));
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(e);
    }
  }

  @Test
  void calls_upToTheLimit_areAllowed_theNextIsNot() {
    assertThat(take("192.0.2.1").remaining()).isEqualTo(2);
    assertThat(take("192.0.2.1").remaining()).isEqualTo(1);
    assertThat(take("192.0.2.1")).isEqualTo(new RateLimit.Verdict(true, 0, Duration.ofMinutes(1)));
    assertThat(take("192.0.2.1")).isEqualTo(new RateLimit.Verdict(false, 0, Duration.ofMinutes(1)));
  }

  @Test
  void minute_beginsWithTheFirstCall_andEndsWhateverCameAfterIt() {
    take("192.0.2.1");
    time.advance(Duration.ofSeconds(59));
    for (int i = 0; i < 10; i++) {
      take("192.0.2.1");
    }
    assertThat(take("192.0.2.1")).isEqualTo(new RateLimit.Verdict(false, 0, Duration.ofSeconds(1)));
    time.advance(Duration.ofSeconds(1).minusNanos(1));
    assertThat(take("192.0.2.1").allowed()).isFalse();
    time.advance(Duration.ofNanos(1));
    assertThat(take("192.0.2.1")).isEqualTo(new RateLimit.Verdict(true, 2, Duration.ofMinutes(1)));
  }

  @Test
  void wallClock_setBack_changesNothing() {
    take("192.0.2.1");
    time.jumpWall(Duration.ofHours(-1));
    time.advance(Duration.ofSeconds(30));
    assertThat(take("192.0.2.1").left()).isEqualTo(Duration.ofSeconds(30));
  }

  @Test
  void addresses_areCountedApart() {
    for (int i = 0; i < 4; i++) {
      take("192.0.2.1");
    }
    assertThat(take("192.0.2.1").allowed()).isFalse();
    assertThat(take("192.0.2.2").allowed()).isTrue();
    assertThat(take("2001:db8::1").allowed()).isTrue();
  }

  /// An IPv6 client has 2^64 addresses to take from.
  @Test
  void addressesOfOneIpv6Network_areCountedTogether() {
    take("2001:db8:0:1::1");
    take("2001:db8:0:1::2");
    take("2001:db8:0:1:ffff:ffff:ffff:ffff");
    assertThat(take("2001:db8:0:1::3").allowed()).isFalse();
    assertThat(take("2001:db8:0:2::1").allowed()).isTrue();
  }
}
