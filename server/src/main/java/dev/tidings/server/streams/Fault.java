// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.server.wire.Call;

/// What is wrong with a request, to be answered with 400.
///
/// @param error in few words, which stay the same
/// @param detail what it was, what was expected; empty if `error` says it all
record Fault(String error, String detail) {
  void answer(Call call) {
    call.error(400, error, detail);
  }
}
