// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Optional;

/// Reads one stored stream from its beginning to its end, each batch after the token of the one
/// before. Touched by its event loop alone.
final class StreamReader implements HttpConnection.Asker {
  private static final byte[] TOKEN = "\"dbResumeToken\"".getBytes(US_ASCII);

  private final StreamReplay all;
  private final HttpConnection connection;
  private final StreamRequests encoder;
  private final int batch;
  private final StampedMessages messages;
  private final BitSet read = new BitSet();
  private Optional<String> token = Optional.empty();
  private long count;

  StreamReader(StreamReplay all, HttpConnection connection, StreamRequests encoder, int batch) {
    this.all = all;
    this.connection = connection;
    this.encoder = encoder;
    this.batch = batch;
    this.messages = StreamRequests.messages(batch);
  }

  void start() {
    connection
        .loop()
        .execute(() -> {
          connection.attach(this, StreamRequests.RECEIVE, 200, StreamRequests.TIMED_OUT, true);
          ask();
        });
  }

  private void ask() {
    connection.send(encoder.replay(connection.index(), batch, token));
  }

  @Override
  public void answered(HttpConnection answering, ResponseScanner answer) {
    if (!answer.isExpected()) {
      all.failures().broken(answer.keptText());
    } else if (answer.status() == StreamRequests.TIMED_OUT) {
      atEnd();
    } else {
      String wrong = note(answer);
      if (!wrong.isEmpty()) {
        all.failures().broken(wrong + ": " + answer.keptText());
        return;
      }
      all.read(messages.count(), Stamp.nowNs() - connection.sentAtNs());
      ask();
    }
  }

  private void atEnd() {
    long sent = all.sentTo(connection.index());
    if (count != sent) {
      all.failures().broken("%s ended after %,d of %,d messages".formatted(name(), count, sent));
      return;
    }
    all.ended();
  }

  /// What is wrong with a batch, or nothing.
  private String note(ResponseScanner answer) {
    if (!messages.read(answer.kept(), answer.keptLength()) || messages.count() == 0) {
      return StreamRequests.RECEIVE + " was answered with other messages";
    }
    token = token(answer.kept(), answer.keptLength());
    if (token.isEmpty()) {
      return StreamRequests.RECEIVE + " was answered without dbResumeToken";
    }
    for (int i = 0; i < messages.count(); i++) {
      long number = messages.number(i);
      boolean ours =
          encoder.hasItsUuid(messages, i)
              && number % all.streams() == connection.index()
              && number < Integer.MAX_VALUE;
      if (!ours || read.get((int) number)) {
        return "%s gave message %d, which it has not or gave before".formatted(name(), number);
      }
      read.set((int) number);
    }
    count += messages.count();
    return "";
  }

  private String name() {
    return "stream " + encoder.stream(connection.index());
  }

  /// Searches from the end, where the token stands.
  private static Optional<String> token(byte[] body, int length) {
    for (int at = length - TOKEN.length; at >= 0; at--) {
      if (body[at] == '"' && Arrays.equals(body, at, at + TOKEN.length, TOKEN, 0, TOKEN.length)) {
        String rest = new String(body, at + TOKEN.length, length - at - TOKEN.length, US_ASCII);
        String[] parts = rest.split("\"", 3);
        return parts.length == 3 ? Optional.of(parts[1]) : Optional.empty();
      }
    }
    return Optional.empty();
  }
}
