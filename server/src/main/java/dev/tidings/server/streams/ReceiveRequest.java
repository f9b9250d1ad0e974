// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.server.wire.Numbers;
import dev.tidings.server.wire.Text;
import io.vertx.core.MultiMap;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// What the query of a receive asks for, checked as far as that can be without its stream.
///
/// @param streamId 1 to 1024 characters
/// @param waitMs how long it may wait for the first message, milliseconds; 0 not to wait
/// @param replay whether it reads what is kept on disk and takes nothing
/// @param token where the replay goes on; empty to begin with the oldest
/// @param maxMessages how many at most; empty for one, which is then no list
record ReceiveRequest(
    String streamId, long waitMs, boolean replay, Optional<String> token, OptionalInt maxMessages) {
  private static final String STREAM_ID = "streamId";
  private static final String TIMEOUT = "timeoutSeconds";
  private static final String REPLAY = "readFromDB";
  private static final String TOKEN = "dbResumeToken";
  private static final String MAX_MESSAGES = "maxMessages";
  private static final String INVALID = "invalid ";
  private static final long DEFAULT_TIMEOUT_S = 30;
  private static final int MOST_MESSAGES = 1000;
  private static final int MAX_SHOWN = 100;
  private static final long MS_PER_S = 1000;

  /// How many messages it takes at most.
  int max() {
    return maxMessages.orElse(1);
  }

  /// Reads the parameters of a query; of several with one name the first counts.
  static Checked<ReceiveRequest> read(MultiMap query, StreamsApi.Settings settings) {
    Optional<Fault> fault = streamIdFault(query);
    if (fault.isPresent()) {
      return new Checked.Bad<>(fault.get());
    }
    long maxTimeoutS = settings.maxTimeout().toSeconds();
    OptionalLong timeoutS = integer(query.get(TIMEOUT), Math.min(DEFAULT_TIMEOUT_S, maxTimeoutS));
    if (timeoutS.isEmpty() || timeoutS.getAsLong() > maxTimeoutS) {
      return wrong(query, TIMEOUT, "a whole number of at most " + maxTimeoutS);
    }
    String replay = given(query, REPLAY);
    if (!replay.isEmpty() && !replay.equals("false") && !replay.equals("true")) {
      return wrong(query, REPLAY, "true or false");
    }
    boolean replays = replay.equals("true");
    String token = given(query, TOKEN);
    if (!token.isEmpty() && !replays) {
      return Checked.bad(
          INVALID + TOKEN, "it came without readFromDB=true (expected: both, or neither)");
    }
    OptionalLong most = integer(query.get(MAX_MESSAGES), 1);
    if (most.isEmpty() || most.getAsLong() < 1 || most.getAsLong() > MOST_MESSAGES) {
      return wrong(query, MAX_MESSAGES, "a whole number from 1 to " + MOST_MESSAGES);
    }
    return new Checked.Good<>(
        new ReceiveRequest(
            given(query, STREAM_ID),
            Math.max(0, timeoutS.getAsLong()) * MS_PER_S,
            replays,
            token.isEmpty() ? Optional.empty() : Optional.of(token),
            query.contains(MAX_MESSAGES)
                ? OptionalInt.of((int) most.getAsLong())
                : OptionalInt.empty()));
  }

  /// What is wrong with the id of the stream that a query names, if anything is.
  static Optional<Fault> streamIdFault(MultiMap query) {
    String id = given(query, STREAM_ID);
    if (id.isEmpty()) {
      return Optional.of(new Fault("streamId is required", ""));
    }
    return SendRequest.isStreamId(id)
        ? Optional.empty()
        : Optional.of(
            new Fault(
                INVALID + STREAM_ID,
                id.codePointCount(0, id.length())
                    + " characters (expected: 1 to "
                    + SendRequest.MAX_STREAM_ID
                    + ")"));
  }

  /// The whole number that a query names, from `min` to `max`; `absent` if it names none.
  static Checked<Integer> integer(MultiMap query, String name, int min, int max, int absent) {
    OptionalLong number = integer(query.get(name), absent);
    return number.isPresent() && number.getAsLong() >= min && number.getAsLong() <= max
        ? new Checked.Good<>((int) number.getAsLong())
        : wrong(query, name, "a whole number from " + min + " to " + max);
  }

  /// A parameter of a query; empty text where it has none.
  static String given(MultiMap query, String name) {
    String value = query.get(name);
    return value == null ? "" : value;
  }

  private static OptionalLong integer(@Nullable String text, long absent) {
    return text == null ? OptionalLong.of(absent) : Numbers.parse(text);
  }

  private static <R> Checked<R> wrong(MultiMap query, String name, String expected) {
    return Checked.bad(
        INVALID + name,
        "\"" + Text.cut(given(query, name), MAX_SHOWN) + "\" (expected: " + expected + ")");
  }
}
