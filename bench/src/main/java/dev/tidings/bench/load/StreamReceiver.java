// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

/// One receiver: waits at its stream for a message, and again when it has one. Touched by its event
/// loop alone.
final class StreamReceiver implements HttpConnection.Asker {
  /// How long a receive waits: so long do the last ones take to find out that nothing is left.
  private static final int WAIT_S = 1;

  private final StreamPairs all;
  private final HttpConnection connection;
  private final StreamLedger ledger;
  private final long stream;
  private final StreamRequests encoder;
  private final StreamReceive request;
  private final StampedMessages messages = StreamRequests.messages(1);

  StreamReceiver(
      StreamPairs all,
      HttpConnection connection,
      StreamLedger ledger,
      long stream,
      StreamRequests encoder) {
    this.all = all;
    this.connection = connection;
    this.ledger = ledger;
    this.stream = stream;
    this.encoder = encoder;
    this.request = encoder.receive(WAIT_S);
  }

  void start() {
    connection
        .loop()
        .execute(() -> {
          connection.attach(this, StreamRequests.RECEIVE, 200, StreamRequests.TIMED_OUT, true);
          receive();
        });
  }

  private void receive() {
    connection.send(request.toSend(stream));
  }

  @Override
  public void answered(HttpConnection answering, ResponseScanner answer) {
    if (!answer.isExpected()) {
      all.failures().broken(answer.keptText());
    } else if (answer.status() == StreamRequests.TIMED_OUT) {
      timedOut();
    } else if (!messages.read(answer.kept(), answer.keptLength())
        || messages.count() != 1
        || !encoder.hasItsUuid(messages, 0)) {
      all.failures()
          .broken(
              StreamRequests.RECEIVE
                  + " was answered with another message than was sent: "
                  + answer.keptText());
    } else {
      received();
    }
  }

  /// Only an empty stream tells that nothing came twice.
  private void timedOut() {
    if (ledger.isComplete()) {
      request.release();
      all.ended();
      return;
    }
    all.foundNothing();
    receive();
  }

  private void received() {
    String wrong = ledger.receive(messages.publisher(0), messages.number(0));
    if (!wrong.isEmpty()) {
      all.failures().broken(wrong);
      return;
    }
    all.received(Stamp.nowNs() - messages.timeNs(0));
    receive();
  }
}
