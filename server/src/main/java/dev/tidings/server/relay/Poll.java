// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.relay;

import dev.tidings.core.access.AccessPolicy;
import dev.tidings.core.access.AccessPolicy.Right;
import dev.tidings.core.directory.Directory;
import dev.tidings.core.directory.Principal;
import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Read;
import dev.tidings.core.log.Reader;
import dev.tidings.core.log.Start;
import dev.tidings.core.log.TopicLog;
import dev.tidings.core.message.Message;
import dev.tidings.core.runtime.TimeSource;
import dev.tidings.server.auth.Authenticator;
import dev.tidings.server.ops.RelayMetrics;
import dev.tidings.server.ops.RelayMetrics.DeliveryType;
import dev.tidings.server.wire.Call;
import dev.tidings.server.wire.JsonOut;
import dev.tidings.server.wire.OpenSessions;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One long poll (API of pulsar-relay v0.1.0): a set of cursors that is answered when one of them
/// finds something, or when its time is up.
///
/// With `since` it first catches up and answers in the shape for stored messages; if there is
/// nothing to catch up, or without `since`, it waits and answers in the shape of live messages.
/// Since it holds its cursors from before the first look until the answer, nothing can slip through
/// between.
final class Poll implements Reader, OpenSessions.Session {
  private static final int MAX_MESSAGES_PER_TOPIC = 100;

  /// The answer is full with this; a message that begins below it is still in it.
  private static final long MAX_BYTES = 4 * 1024 * 1024;

  /// Pages of older messages that are asked for at once.
  private static final int MAX_LOADING = 64;

  private static final Logger LOG = LoggerFactory.getLogger(Poll.class);

  private final Call call;
  private final Authenticator authenticator;
  private final Directory directory;
  private final boolean catchesUp;
  private final TimeSource time;
  private final RelayMetrics metrics;
  private final Consumer<Poll> finished;
  private final Map<String, Cursor> cursors = new LinkedHashMap<>();
  private final JsonOut messages = new JsonOut(1024);
  private final JsonOut gaps = new JsonOut(64);
  // Where a round of looking has got to; those whose page is on its way; those that gave something.
  private Iterator<Cursor> unseen = Collections.emptyIterator();
  private final Set<Cursor> loading = new HashSet<>();
  private final Map<Cursor, Integer> served = new HashMap<>();
  private Authenticator.Caller caller;
  private int found;
  private int opening;
  private boolean caughtUp;
  private boolean answered;
  private long timer;

  /// @param catchesUp whether it looks for stored messages first
  /// @param finished called once, when it is answered or its client is gone
  Poll(
      Call call,
      Authenticator authenticator,
      Directory directory,
      Authenticator.Caller caller,
      boolean catchesUp,
      TimeSource time,
      RelayMetrics metrics,
      Consumer<Poll> finished) {
    this.call = call;
    this.authenticator = authenticator;
    this.directory = directory;
    this.caller = caller;
    this.catchesUp = catchesUp;
    this.time = time;
    this.metrics = metrics;
    this.finished = finished;
  }

  void start(Map<String, Start> starts, long timeoutMs) {
    call.whenGone(this::finish);
    // A poll does not outlive its token.
    long waitMs = Math.min(timeoutMs, caller.expiresAt() - time.wallMs());
    timer = call.loop().context().setTimer(Math.max(1, waitMs), _ -> guarded(this::timeIsUp));
    opening = starts.size() + 1;
    for (Map.Entry<String, Start> start : starts.entrySet()) {
      Cursor cursor = call.loop().core().readers().open(start.getKey(), start.getValue(), this);
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
    return authenticator.now(caller)
            instanceof Authenticator.Caller(Principal now, long _, Optional<String> _)
        && AccessPolicy.mayRead(now, Optional.of(topic));
  }

  @Override
  public void opened(Cursor cursor) {
    openedOne();
  }

  private void openedOne() {
    opening--;
    if (opening == 0) {
      guarded(() -> {
        unseen = cursors.values().iterator();
        look();
      });
    }
  }

  @Override
  public void ready(Cursor cursor) {
    if (answered || opening > 0) {
      return;
    }
    guarded(() -> {
      if (loading.remove(cursor)) {
        read(cursor);
      } else if (loading.isEmpty() && !unseen.hasNext()) {
        // Nothing was left to see: there is news, and the others may have some too.
        unseen = cursors.values().iterator();
      } else if (!served.containsKey(cursor)) {
        read(cursor);
      }
      look();
    });
  }

  /// Runs a step; after a fault in it the poll is over and its client told.
  private void guarded(Runnable step) {
    call.guarded(() -> {
      try {
        step.run();
      } catch (RuntimeException e) {
        finish();
        throw e;
      }
    });
  }

  @Override
  public void ended(Cursor cursor, End end) {
    if (answered) {
      return;
    }
    switch (end) {
      case DENIED -> {
        finish();
        call.detail(403, Topics.deniedText(List.of(cursor.topic())));
      }
      case DELETED -> {
        finish();
        call.detail(404, Topics.deletedText(cursor.topic()));
      }
      case UNAVAILABLE -> {
        finish();
        call.unavailable("the log of topic '" + cursor.topic() + "' cannot be read now");
      }
    }
  }

  /// Goes on looking at the cursors, and answers when every one has been seen and there is
  /// something, or when the answer is full. What a page has brought is taken at once, so that a
  /// poll over more than the page cache holds comes to its end.
  private void look() {
    while (!answered && !isFull() && loading.size() < MAX_LOADING && unseen.hasNext()) {
      read(unseen.next());
    }
    if (answered) {
      return;
    }
    boolean allSeen = loading.isEmpty() && !unseen.hasNext();
    if (isFull() || (allSeen && found > 0)) {
      answer();
    } else if (allSeen) {
      caughtUp = true;
    }
  }

  private boolean isFull() {
    return messages.length() >= MAX_BYTES;
  }

  /// Reads one cursor up to its bound, or up to what has to be loaded first.
  private void read(Cursor cursor) {
    while (!answered) {
      switch (cursor.read(MAX_MESSAGES_PER_TOPIC, Math.max(1, MAX_BYTES - messages.length()))) {
        case Read.Messages(List<Message> list, boolean afterGap) -> {
          int before = found;
          add(cursor, list, afterGap, catchesUp && !caughtUp);
          if (found > before) {
            served.put(cursor, found - before);
            return;
          }
          // All had expired, and behind them there may be others.
        }
        case Read.CaughtUp() -> {
          return;
        }
        case Read.Loading() -> {
          // Called again when the page is there.
          loading.add(cursor);
          return;
        }
        case Read.Unavailable(String detail) -> {
          LOG.warn("topic {} cannot be read for a poll: {}", cursor.topic(), detail);
          finish();
          call.unavailable("the log of topic '" + cursor.topic() + "' cannot be read now");
        }
      }
    }
  }

  private void add(Cursor cursor, List<Message> batch, boolean afterGap, boolean stored) {
    TopicLog log = cursor.log().orElseThrow();
    if (afterGap) {
      gaps.raw(gaps.length() == 0 ? "{" : ",{");
      RelayFrames.gapFields(gaps, cursor, log.idOf(batch.getFirst()));
      gaps.raw("}");
    }
    long now = time.wallMs();
    for (Message message : batch) {
      if (!message.expiredAt(now)) {
        if (found++ > 0) {
          messages.raw(",");
        }
        if (stored) {
          RelayFrames.writeCaughtUp(messages, log, message, call.loop().timestamps());
        } else {
          RelayFrames.MESSAGE.write(messages, log, message, call.loop().timestamps());
        }
      }
      cursor.advance(message);
    }
  }

  /// Whether the answer leaves something behind: a hundred messages count as that, as they did in
  /// the original, and so does what its bytes or the end of a page have cut off.
  private boolean hasMore() {
    return found >= MAX_MESSAGES_PER_TOPIC
        || (found > 0
            && (isFull() || (catchesUp && !caughtUp))
            && cursors.values().stream().anyMatch(Cursor::isBehind));
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
    served.forEach(
        (cursor, count) -> metrics.delivered(cursor.topic(), DeliveryType.LONG_POLL, count));
    call.json(200, out.raw("}"));
  }

  private void timeIsUp() {
    if (!answered && time.wallMs() >= caller.expiresAt()) {
      finish();
      call.unauthorized("Invalid or expired token");
    } else {
      answer();
    }
  }

  private String placeOf(Cursor cursor) {
    return Topics.placeOf(cursor, time.wallMs()).toRelayId();
  }

  private void finish() {
    if (!answered) {
      answered = true;
      call.loop().context().owner().cancelTimer(timer);
      cursors.values().forEach(Cursor::close);
      finished.accept(this);
    }
  }

  @Override
  public String principalId() {
    return caller.principal().id();
  }

  /// Looks at its user or client again, which or whose token was changed. If it may not go on it is
  /// answered as a new call would be.
  @Override
  public void recheck() {
    if (answered) {
      return;
    }
    switch (authenticator.now(caller)) {
      case Authenticator.Caller now -> {
        caller = now;
        recheck(now.principal());
      }
      case Authenticator.Unknown unknown -> {
        finish();
        call.unauthorized(unknown.detail());
      }
      case Authenticator.Barred barred -> {
        finish();
        call.detail(403, barred.detail());
      }
    }
  }

  private void recheck(Principal principal) {
    List<String> denied =
        cursors.values().stream()
            .filter(cursor -> !Topics.mayGoOn(directory, principal, cursor))
            .map(Cursor::topic)
            .toList();
    if (!AccessPolicy.has(principal, Right.RECEIVE)) {
      finish();
      call.detail(403, RelayApi.requires(Right.RECEIVE));
    } else if (!denied.isEmpty()) {
      finish();
      call.detail(403, Topics.deniedText(denied));
    }
  }

  /// Ends it because the server stops: it is answered with what it has.
  @Override
  public void goAway() {
    answer();
  }
}
