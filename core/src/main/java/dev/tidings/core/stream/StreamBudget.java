// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// What all streams of all shards hold together, against its bounds. Any thread.
final class StreamBudget {
  private final StreamLimits limits;
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicInteger streams = new AtomicInteger();
  private final ConcurrentMap<String, Maker> makers = new ConcurrentHashMap<>();

  /// A user or client that has made streams.
  static final class Maker {
    private final String principalId;
    private final AtomicInteger streams = new AtomicInteger();

    private Maker(String principalId) {
      this.principalId = principalId;
    }

    String principalId() {
      return principalId;
    }
  }

  StreamBudget(StreamLimits limits) {
    this.limits = limits;
  }

  /// Takes `more` bytes of heap; false if there is no room. Fewer than 0 are always taken.
  boolean take(long more) {
    if (bytes.addAndGet(more) > limits.maxBytes() && more > 0) {
      bytes.addAndGet(-more);
      return false;
    }
    return true;
  }

  /// Takes `more` bytes, though there be no room: what is already there must stay somewhere.
  void takeAnyway(long more) {
    bytes.addAndGet(more);
  }

  /// Gives bytes back.
  void release(long fewer) {
    bytes.addAndGet(-fewer);
  }

  /// Why `principalId` may make no further stream, if so. Those that other shards are about to make
  /// may not be seen: the bounds are kept to within a few.
  Optional<String> noRoomForStream(String principalId) {
    if (streams.get() >= limits.maxStreams()) {
      return Optional.of(
          "there are "
              + streams.get()
              + " streams (limit: "
              + limits.maxStreams()
              + "); use one of them, or receive what they hold: empty ones are freed");
    }
    Maker maker = makers.get(principalId);
    int made = maker == null ? 0 : maker.streams.get();
    return made < limits.maxStreamsPerUser()
        ? Optional.empty()
        : Optional.of(
            "you have made "
                + made
                + " streams (limit: "
                + limits.maxStreamsPerUser()
                + "); use one of them, or receive what they hold: empty ones are freed");
  }

  /// Counts a stream that `principalId` makes.
  Maker made(String principalId) {
    streams.incrementAndGet();
    return makers.compute(
        principalId,
        (id, known) -> {
          Maker maker = known == null ? new Maker(id) : known;
          maker.streams.incrementAndGet();
          return maker;
        });
  }

  /// A stream of `maker` is gone.
  void freed(Maker maker) {
    streams.decrementAndGet();
    makers.computeIfPresent(
        maker.principalId, (_, known) -> known.streams.decrementAndGet() == 0 ? null : known);
  }

  /// Why no more bytes are taken.
  String full() {
    return "the streams hold "
        + bytes.get()
        + " bytes (limit: "
        + limits.maxBytes()
        + "); receive some of their messages, or try again";
  }

  long bytes() {
    return bytes.get();
  }

  int streams() {
    return streams.get();
  }
}
