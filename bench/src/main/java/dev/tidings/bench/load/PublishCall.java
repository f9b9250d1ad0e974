// SPDX-License-Identifier: Apache-2.0
package dev.tidings.bench.load;

/// One way to publish, and what it is answered.
///
/// @param what for messages about failures, as `POST /api/v1/messages`
/// @param tellsRejected whether an answer with the expected status may still reject messages
public record PublishCall(String what, int expectedStatus, boolean tellsRejected) {
  static final PublishCall SINGLE = new PublishCall("POST /api/v1/messages", 201, false);
  static final PublishCall BULK = new PublishCall("POST /api/v1/messages/bulk", 207, true);
  static final PublishCall TO_EXCHANGE = new PublishCall("POST /publish", 200, false);

  /// What answers' bodies must hold.
  public ClosedLoop.BodyCheck bodyCheck() {
    return tellsRejected ? ClosedLoop.BodyCheck.NOTHING_REJECTED : ClosedLoop.BodyCheck.NONE;
  }
}
