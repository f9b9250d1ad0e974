// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import io.netty.buffer.ByteBuf;
import java.util.concurrent.TimeUnit;

/// One consumer: leases a batch, acknowledges it, and so on; after an empty lease it pauses.
/// Touched by its event loop alone.
final class Consumer implements HttpConnection.Asker {
  private static final long SHORTEST_PAUSE_MS = 1;
  private static final long LONGEST_PAUSE_MS = 16;

  private final Consumers all;
  private final HttpConnection connection;
  private final Ledger ledger;
  private final PubsubRequests encoder;
  private final StampedMessages messages;
  private final ByteBuf lease;
  private final String leaseWhat;
  private final String ackWhat;
  private boolean acking;
  private long pauseMs = SHORTEST_PAUSE_MS;

  Consumer(
      Consumers all,
      HttpConnection connection,
      Ledger ledger,
      PubsubRequests encoder,
      int leaseSize) {
    this.all = all;
    this.connection = connection;
    this.ledger = ledger;
    this.encoder = encoder;
    this.messages = new StampedMessages("id", leaseSize);
    String id = "consumer-" + connection.index();
    this.lease = encoder.lease(ledger.subscription(), id, leaseSize);
    this.leaseWhat = "GET /subscriptions/" + ledger.subscription() + "/messages";
    this.ackWhat = "POST /subscriptions/" + ledger.subscription() + "/acks";
  }

  void start() {
    connection.loop().execute(this::lease);
  }

  private void lease() {
    if (all.isComplete(ledger)) {
      lease.release();
      all.ended();
      return;
    }
    acking = false;
    connection.attach(this, leaseWhat, 200, true);
    connection.send(lease.retainedDuplicate());
  }

  @Override
  public void answered(HttpConnection answering, ResponseScanner answer) {
    if (!answer.isExpected()) {
      // Already counted; what was leased is not known any more.
      all.failures().broken(answer.keptText());
    } else if (acking) {
      ledger.acked(messages);
      all.acked(messages.count(), connection.sentAtNs(), Stamp.nowNs());
      lease();
    } else if (!messages.read(answer.kept(), answer.keptLength())) {
      all.failures().broken(leaseWhat + " was answered with other messages: " + answer.keptText());
    } else if (messages.count() == 0) {
      all.emptyLease();
      pause();
    } else {
      acknowledge();
    }
  }

  private void acknowledge() {
    all.leased(messages, connection.sentAtNs(), Stamp.nowNs());
    for (int i = 0; i < messages.count(); i++) {
      String wrong = ledger.deliver(messages.publisher(i), messages.number(i));
      if (!wrong.isEmpty()) {
        all.failures().broken(wrong);
        return;
      }
    }
    pauseMs = SHORTEST_PAUSE_MS;
    acking = true;
    connection.attach(this, ackWhat, 204, false);
    connection.send(encoder.acks(ledger.subscription(), messages));
  }

  /// Asking again at once would measure how fast nothing can be fetched.
  private void pause() {
    var _ = connection.loop().schedule(this::lease, pauseMs, TimeUnit.MILLISECONDS);
    pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs);
  }
}
