// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.wire;

import dev.tidings.core.runtime.TimeSource;
import io.vertx.core.http.HttpConnection;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The HTTP connections of one event loop, and the time each has: for the head of its first request
/// and the whole of every body 30 seconds, and two minutes from one request to the next, besides
/// what an answer may take that says so. That is longer than a body and the longest poll after it;
/// so a connection that is closed waited for nothing, or its client has taken more than two minutes
/// over one answer. WebSockets leave with their upgrade, they have pings.
public final class Connections {
  private static final long ARRIVAL_NS = Duration.ofSeconds(30).toNanos();
  private static final long IDLE_NS = Duration.ofMinutes(2).toNanos();

  private final TimeSource time;
  private final Map<HttpConnection, Connection> open = new HashMap<>();

  /// Connections of one event loop.
  public Connections(TimeSource time) {
    this.time = time;
  }

  /// One connection.
  static final class Connection {
    private long sinceNs;
    private long answerNs;
    private boolean hasAsked;
    private @Nullable Runnable lateBody;

    private Connection(long sinceNs) {
      this.sinceNs = sinceNs;
    }

    /// The answer to its present request may take so long, nanoseconds.
    void answeredWithin(long ns) {
      answerNs = ns;
    }

    /// A body is being received; `late` ends it when its time is up.
    void receiving(Runnable late) {
      lateBody = late;
    }

    /// The body is there, or given up.
    void received() {
      lateBody = null;
    }
  }

  /// A connection was opened.
  public void opened(HttpConnection connection) {
    open.put(connection, new Connection(time.monotonicNs()));
  }

  /// The head of a request has come over it.
  public void asked(HttpConnection connection) {
    Connection known = open.get(connection);
    if (known != null) {
      known.sinceNs = time.monotonicNs();
      known.answerNs = 0;
      known.hasAsked = true;
    }
  }

  /// A connection was closed, or has become a WebSocket.
  public void left(HttpConnection connection) {
    open.remove(connection);
  }

  @Nullable Connection find(HttpConnection connection) {
    return open.get(connection);
  }

  /// Ends what has taken its time: to be called every few seconds.
  public void tick() {
    long now = time.monotonicNs();
    for (Map.Entry<HttpConnection, Connection> entry : List.copyOf(open.entrySet())) {
      Connection connection = entry.getValue();
      long age = now - connection.sinceNs;
      Runnable late = connection.lateBody;
      if (late != null && age > ARRIVAL_NS) {
        connection.lateBody = null;
        late.run();
      } else if (age > IDLE_NS + connection.answerNs
          || (!connection.hasAsked && age > ARRIVAL_NS)) {
        var _ = entry.getKey().close();
      }
    }
  }
}
