// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class StreamLedgerTest {
  /// Of the senders 1 and 4, of six that are spread over three streams.
  private final StreamLedger ledger = new StreamLedger("s", 1, 3, 2, false);

  @Test
  void everySendersNumbers_areReceivedOnce() {
    assertThat(ledger.receive(1, 0)).isEmpty();
    assertThat(ledger.receive(4, 0)).isEmpty();
    assertThat(ledger.receive(4, 1)).isEmpty();
    assertThat(ledger.receive(4, 1)).isEqualTo("stream s gave message 1 of sender 4 twice");
  }

  @Test
  void messageOfAnotherStreamsSender_isRefused() {
    for (int sender : new int[] {0, 2, 3, 7}) {
      assertThat(ledger.receive(sender, 0))
          .isEqualTo("stream s gave a message that was not sent to it");
    }
  }

  @Test
  void oneReceiver_seesEachSendersOrder() {
    var ordered = new StreamLedger("s", 0, 1, 2, true);
    assertThat(ordered.receive(0, 0)).isEmpty();
    assertThat(ordered.receive(1, 0)).isEmpty();

    assertThat(ordered.receive(0, 2))
        .isEqualTo("stream s gave message 2 of sender 0 after message 0");
  }

  @Test
  void isComplete_onceNobodySendsAndAllIsReceived() {
    ledger.accepted();
    ledger.senderEnded();
    assertThat(ledger.receive(1, 0)).isEmpty();
    assertThat(ledger.isComplete()).isFalse();
    ledger.accepted();
    ledger.senderEnded();
    assertThat(ledger.isComplete()).isFalse();
    assertThat(ledger.shortfall()).isEqualTo("stream s: 2 messages were sent, 1 received");
    assertThat(ledger.receive(4, 0)).isEmpty();
    assertThat(ledger.isComplete()).isTrue();
  }
}
