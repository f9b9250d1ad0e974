// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.pages;

import io.vertx.core.buffer.Buffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/// One file of the pages, as it is sent.
///
/// @param type its content type
/// @param tag its entity tag, which changes with its content
/// @param content its bytes, shared by all answers
record PageFile(String type, String tag, Buffer content) {
  private static final int TAG_BYTES = 12;

  static PageFile of(String type, byte[] content) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(content);
      String tag = HexFormat.of().formatHex(Arrays.copyOf(hash, TAG_BYTES));
      return new PageFile(type, "\"" + tag + "\"", Buffer.buffer(content));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /// Whether the copy that `If-None-Match` names is this one. A weak tag counts: a proxy that
  /// compresses makes it weak.
  boolean isNamedBy(String ifNoneMatch) {
    return Arrays.stream(ifNoneMatch.split(",", -1))
        .map(String::strip)
        .anyMatch(named -> named.equals("*") || named.equals(tag) || named.equals("W/" + tag));
  }
}
