// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/// Puts the id of a request on every log line that its thread writes, until it is closed.
public final class RequestMark implements AutoCloseable {
  /// The key of the id in the context of log lines.
  public static final String KEY = "request_id";

  private final @Nullable String before;

  private RequestMark(@Nullable String before) {
    this.before = before;
  }

  /// Marks the lines of this thread with `id`.
  public static RequestMark of(String id) {
    RequestMark mark = new RequestMark(MDC.get(KEY));
    MDC.put(KEY, id);
    return mark;
  }

  /// The same work, whose lines carry the present mark on whatever thread it is run.
  public static Runnable carried(Runnable work) {
    String id = MDC.get(KEY);
    if (id == null) {
      return work;
    }
    return () -> {
      try (RequestMark _ = of(id)) {
        work.run();
      }
    };
  }

  @Override
  public void close() {
    // One request may be answered within a step of another.
    if (before == null) {
      MDC.remove(KEY);
    } else {
      MDC.put(KEY, before);
    }
  }
}
