// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.stream;

/// A call that may wait at a stream, and can be called off by whoever made it.
public sealed interface StreamCall permits Sending, Receiving, Replaying {

  /// The id of the stream.
  String stream();
}
