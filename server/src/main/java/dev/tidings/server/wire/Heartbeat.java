// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import java.time.Duration;

/// When a quiet connection is pinged, and when it is given up.
///
/// A ping is unanswered when nothing has come for a whole interval after it. That alone proves
/// nothing: after a pause of this process the answer may lie in the connection, unread. So it is
/// looked at once more at the next tick, between which and this one the event loop reads.
public final class Heartbeat {
  private final long intervalNs;
  private long heardNs;
  private long pingedNs;
  private State state = State.HEARD;

  private enum State {
    HEARD,
    PINGED,
    DOUBTED
  }

  /// What is to be done with the connection.
  public enum Beat {
    /// Nothing.
    WAIT,
    /// A ping is to be sent.
    PING,
    /// Nobody is there any more.
    GIVE_UP
  }

  /// A connection that is pinged when nothing has come from it for `interval`, opened at `nowNs` by
  /// the monotonic clock.
  public Heartbeat(Duration interval, long nowNs) {
    this.intervalNs = interval.toNanos();
    this.heardNs = nowNs;
  }

  /// Something has come from the client.
  public void heard(long nowNs) {
    heardNs = nowNs;
    state = State.HEARD;
  }

  /// What is to be done now; asked every so often, about once a second.
  public Beat tick(long nowNs) {
    return switch (state) {
      case HEARD -> {
        if (nowNs - heardNs < intervalNs) {
          yield Beat.WAIT;
        }
        pingedNs = nowNs;
        state = State.PINGED;
        yield Beat.PING;
      }
      case PINGED -> {
        if (nowNs - pingedNs >= intervalNs) {
          state = State.DOUBTED;
        }
        yield Beat.WAIT;
      }
      case DOUBTED -> Beat.GIVE_UP;
    };
  }
}
