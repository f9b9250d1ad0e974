// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.runtime;

import dev.tidings.core.directory.Topic;
import dev.tidings.core.log.Cursor;
import dev.tidings.core.log.Read;
import dev.tidings.core.log.Reader;
import dev.tidings.core.message.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// A reader that reads all it can whenever it is called and notes what it got.
public final class RecordingReader implements Reader {
  private final List<Message> messages = new ArrayList<>();
  private final List<Long> gapsBefore = new ArrayList<>();
  private final List<String> unavailable = new ArrayList<>();
  private Predicate<Topic> allowed = _ -> true;
  private Consumer<Cursor> atReady = this::readAll;
  private int maxMessages = 100;
  private long maxBytes = Long.MAX_VALUE;
  private int opened;
  private int loading;
  private @Nullable Cursor cursor;
  private @Nullable End end;

  @Override
  public boolean mayRead(Topic topic) {
    return allowed.test(topic);
  }

  @Override
  public void opened(Cursor openedCursor) {
    opened++;
    cursor = openedCursor;
  }

  @Override
  public void ready(Cursor readyCursor) {
    if (end != null) {
      throw new AssertionError("called after it was ended with " + end);
    }
    if (opened != 1) {
      throw new AssertionError("ready before it was opened");
    }
    atReady.accept(readyCursor);
  }

  @Override
  public void ended(Cursor endedCursor, End why) {
    if (end != null) {
      throw new AssertionError("ended twice");
    }
    end = why;
  }

  /// Reads until there is nothing more to be had now.
  public void readAll(Cursor from) {
    while (readOnce(from)) {
      // Its condition does the work.
    }
  }

  /// Reads once; false if there were no messages.
  public boolean readOnce(Cursor from) {
    return switch (from.read(maxMessages, maxBytes)) {
      case Read.Messages(List<Message> found, boolean afterGap) -> {
        if (afterGap) {
          gapsBefore.add(found.getFirst().sequence());
        }
        for (Message message : found) {
          messages.add(message);
          from.advance(message);
        }
        yield true;
      }
      case Read.CaughtUp() -> false;
      case Read.Loading() -> {
        loading++;
        yield false;
      }
      case Read.Unavailable(String detail) -> {
        unavailable.add(detail);
        yield false;
      }
    };
  }

  /// Says which topics it may read that appear while it waits for them.
  public RecordingReader allowing(Predicate<Topic> which) {
    allowed = which;
    return this;
  }

  /// Does `action` when called, instead of reading.
  public RecordingReader doing(Consumer<Cursor> action) {
    atReady = action;
    return this;
  }

  /// Goes back to reading when called.
  public RecordingReader reading() {
    atReady = this::readAll;
    return this;
  }

  /// Reads in pieces of at most so much.
  public RecordingReader pieces(int messagesAtOnce, long bytesAtOnce) {
    maxMessages = messagesAtOnce;
    maxBytes = bytesAtOnce;
    return this;
  }

  /// Its cursor, once that has been opened.
  public Cursor cursor() {
    Cursor own = cursor;
    if (own == null) {
      throw new AssertionError("its cursor has not been opened");
    }
    return own;
  }

  /// What it got, in order.
  public List<Message> messages() {
    return messages;
  }

  /// The payloads of what it got, in order.
  public List<String> texts() {
    return messages.stream().map(message -> message.payload().text()).toList();
  }

  /// The sequences of what it got, in order.
  public List<Long> sequences() {
    return messages.stream().map(Message::sequence).toList();
  }

  /// The sequences of the messages before which it was told a gap.
  public List<Long> gapsBefore() {
    return gapsBefore;
  }

  /// What it was told when the store could not be read.
  public List<String> unavailable() {
    return unavailable;
  }

  /// How often it was opened.
  public int timesOpened() {
    return opened;
  }

  /// How often it was told that messages were being loaded.
  public int timesLoading() {
    return loading;
  }

  /// Why it was ended, if it was.
  public Optional<End> end() {
    return Optional.ofNullable(end);
  }
}
