// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.directory.User;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Read;
import dev.tidings.core.log.Reader;
import dev.tidings.core.log.Start;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.message.MessageId;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.wire.Exchange;
import dev.tidings.server.wire.JsonOut;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// One long poll (relay contract, section 5): a set of cursors that is answered when one of them
/// finds something, or when its time is up.
///
/// With `since` it first catches up and answers in the shape for stored messages; if there is
/// nothing to catch up, or without `since`, it waits and answers in the shape of live messages.
/// Since it holds its cursors from before the first look until the answer, nothing can slip through
/// between.
final class Poll implements Reader {
  private static final int MAX_MESSAGES_PER_TOPIC = 100;
  private static final long MAX_BYTES = 4 * 1024 * 1024;

  private final Exchange exchange;
  private final User user;
  private final boolean catchesUp;
  private final TimeSource time;
  private final Consumer<Poll> finished;
  private final Map<String, Cursor> cursors = new LinkedHashMap<>();
  private final JsonOut messages = new JsonOut(1024);
  private final JsonOut gaps = new JsonOut(64);
  private int found;
  private int opening;
  private boolean caughtUp;
  private boolean answered;
  private long timer;

  /// @param catchesUp whether it looks for stored messages first
  /// @param finished called once, when it is answered or its client is gone
  Poll(Exchange exchange, User user, boolean catchesUp, TimeSource time, Consumer<Poll> finished) {
    this.exchange = exchange;
    this.user = user;
    this.catchesUp = catchesUp;
    this.time = time;
    this.finished = finished;
  }

  void start(Map<String, Start> starts, long timeoutMs) {
    exchange.request().response().closeHandler(_ -> finish());
    timer = exchange.loop().context().setTimer(timeoutMs, _ -> answer());
    opening = starts.size() + 1;
    for (Map.Entry<String, Start> start : starts.entrySet()) {
      Cursor cursor = exchange.loop().core().readers().open(start.getKey(), start.getValue(), this);
      if (answered) {
        cursor.close();
        return;
      }
      cursors.put(start.getKey(), cursor);
    }
    openedOne();
  }

  @Override
  public boolean mayRead(Topic topic) {
    return AccessPolicy.mayRead(user, Optional.of(topic));
  }

  @Override
  public void opened(Cursor cursor) {
    openedOne();
  }

  private void openedOne() {
    opening--;
    look();
  }

  @Override
  public void ready(Cursor cursor) {
    look();
  }

  @Override
  public void ended(Cursor cursor, End end) {
    if (answered) {
      return;
    }
    switch (end) {
      case DENIED -> {
        finish();
        exchange.detail(403, Topics.deniedText(List.of(cursor.topic())));
      }
      case UNAVAILABLE -> {
        finish();
        exchange.unavailable("the log of topic '" + cursor.topic() + "' cannot be read now");
      }
    }
  }

  /// Looks at every cursor once all are open, and answers if there is something.
  private void look() {
    boolean again = !answered && opening == 0;
    while (again) {
      // Messages that have expired are passed over, and behind them there may be others.
      again = lookOnce() && found == 0;
    }
    if (found > 0) {
      answer();
    }
  }

  /// Returns whether there was anything to read.
  private boolean lookOnce() {
    List<Found> batches = new ArrayList<>();
    for (Cursor cursor : cursors.values()) {
      switch (cursor.read(MAX_MESSAGES_PER_TOPIC, MAX_BYTES)) {
        case Read.Messages(List<Message> list, boolean afterGap) ->
            batches.add(new Found(cursor, list, afterGap));
        case Read.CaughtUp() -> {}
        case Read.Loading() -> {
          // Called again when the page is there: an answer now would let its messages wait.
          return false;
        }
        case Read.Unavailable(String detail) -> {
          finish();
          exchange.unavailable("the store cannot be read: " + detail);
          return false;
        }
      }
    }
    boolean stored = catchesUp && !caughtUp;
    batches.forEach(batch -> add(batch, stored));
    caughtUp = batches.isEmpty() || found > 0;
    return !batches.isEmpty();
  }

  private record Found(Cursor cursor, List<Message> messages, boolean afterGap) {}

  private void add(Found batch, boolean stored) {
    TopicLog log = batch.cursor().log().orElseThrow();
    if (batch.afterGap()) {
      gaps.raw(gaps.length() == 0 ? "{" : ",{");
      RelayFrames.gapFields(gaps, batch.cursor(), log.idOf(batch.messages().getFirst()));
      gaps.raw("}");
    }
    long now = time.wallMs();
    for (Message message : batch.messages()) {
      if (!message.expiredAt(now)) {
        if (found++ > 0) {
          messages.raw(",");
        }
        if (stored) {
          RelayFrames.writeCaughtUp(messages, log, message, exchange.loop().timestamps());
        } else {
          RelayFrames.MESSAGE.write(messages, log, message, exchange.loop().timestamps());
        }
      }
      batch.cursor().advance(message);
    }
  }

  private void answer() {
    if (answered) {
      return;
    }
    JsonOut out = new JsonOut(messages.length() + 256).raw("{\"messages\":[").raw(messages);
    out.raw("],\"has_more\":").bool(hasMore());
    out.raw(",\"cursors\":{");
    String separator = "";
    for (Cursor cursor : cursors.values()) {
      out.raw(separator).string(cursor.topic()).raw(":\"").raw(placeOf(cursor)).raw("\"");
      separator = ",";
    }
    out.raw("}");
    if (gaps.length() > 0) {
      out.raw(",\"gaps\":[").raw(gaps).raw("]");
    }
    finish();
    exchange.json(200, out.raw("}"));
  }

  /// Besides what the contract counts: a topic may give fewer than there are, since a read ends
  /// with a page of the store or at the bound of bytes.
  private boolean hasMore() {
    return found >= MAX_MESSAGES_PER_TOPIC
        || (found > 0 && cursors.values().stream().anyMatch(Cursor::isBehind));
  }

  /// The id to go on from. For a cursor that has passed no message it names a place all the same:
  /// the end of the log it waited on, or the time before its topic existed.
  private String placeOf(Cursor cursor) {
    return cursor
        .lastPassed()
        .orElseGet(() ->
            new MessageId(
                time.wallMs(),
                Math.max(0, cursor.place() - 1),
                cursor.log().map(TopicLog::incarnation).orElse(0)))
        .toRelayId();
  }

  private void finish() {
    if (!answered) {
      answered = true;
      exchange.loop().context().owner().cancelTimer(timer);
      cursors.values().forEach(Cursor::close);
      finished.accept(this);
    }
  }

  /// Ends it because the server stops: it is answered with what it has.
  void goAway() {
    answer();
  }
}
