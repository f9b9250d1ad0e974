// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.idempotency;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// Tells one request from another: the first 128 bits of a SHA-256.
///
/// @param high its first 64 bits
/// @param low the 64 bits after them
public record Fingerprint(long high, long low) {

  /// The fingerprint of a request to `path` with that body.
  public static Fingerprint of(String path, byte[] body) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
    digest.update(path.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
    ByteBuffer hash = ByteBuffer.wrap(digest.digest(body));
    return new Fingerprint(hash.getLong(), hash.getLong());
  }
}
