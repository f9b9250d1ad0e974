// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.streams;

import dev.tidings.core.message.Payload;
import dev.tidings.core.stream.Position;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// Writes and reads the tokens with which a replay goes on: places in a stream's log that only this
/// server can have made, and for that stream.
///
/// A token is 39 bytes as 52 characters of URL-safe Base64: a version, the place, and a MAC
/// (HMAC-SHA256, its first 18 bytes) over these and the stream's id. So no bit of it is to spare: a
/// token that differs anywhere is none.
///
/// Touched by one thread at a time.
final class ResumeTokens {
  /// How many bytes the key has.
  static final int SECRET_BYTES = 32;

  private static final String ALGORITHM = "HmacSHA256";
  private static final byte VERSION = 1;
  private static final int PLACE_BYTES = 1 + Integer.BYTES + 2 * Long.BYTES;
  private static final int MAC_BYTES = 18;
  private static final int CHARACTERS = (PLACE_BYTES + MAC_BYTES) / 3 * 4;

  private final Mac mac;

  /// What reading a token comes to.
  sealed interface Parsed {}

  /// A token of the stream.
  record Valid(Position place) implements Parsed {}

  /// Something else: damaged, of another stream, or of another server.
  record Invalid() implements Parsed {}

  /// Tokens under a key.
  ///
  /// @throws IllegalArgumentException if it has not 32 bytes
  ResumeTokens(Payload key) {
    if (key.size() != SECRET_BYTES) {
      throw new IllegalArgumentException("a key of " + key.size() + " bytes");
    }
    byte[] secret = new byte[SECRET_BYTES];
    key.copyTo(secret, 0);
    try {
      mac = Mac.getInstance(ALGORITHM);
      mac.init(new SecretKeySpec(secret, ALGORITHM));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HMAC-SHA256", e);
    }
  }

  /// The token of a place in the stream `streamId`.
  String write(String streamId, Position place) {
    byte[] bytes =
        ByteBuffer.allocate(PLACE_BYTES + MAC_BYTES)
            .put(VERSION)
            .putInt(place.number())
            .putLong(place.sequence())
            .putLong(place.knownAt())
            .array();
    System.arraycopy(macOf(bytes, streamId), 0, bytes, PLACE_BYTES, MAC_BYTES);
    return Base64.getUrlEncoder().encodeToString(bytes);
  }

  /// The place in the stream `streamId` that `token` tells.
  Parsed parse(String streamId, String token) {
    if (token.length() != CHARACTERS) {
      return new Invalid();
    }
    byte[] bytes;
    try {
      bytes = Base64.getUrlDecoder().decode(token);
    } catch (IllegalArgumentException _) {
      // Characters that are not of the alphabet.
      return new Invalid();
    }
    if (bytes.length != PLACE_BYTES + MAC_BYTES) {
      // Padding where there is none to be.
      return new Invalid();
    }
    byte[] sent = Arrays.copyOfRange(bytes, PLACE_BYTES, bytes.length);
    byte[] own = Arrays.copyOf(macOf(bytes, streamId), MAC_BYTES);
    ByteBuffer place = ByteBuffer.wrap(bytes);
    return MessageDigest.isEqual(own, sent) && place.get() == VERSION
        ? new Valid(new Position(place.getInt(), place.getLong(), place.getLong()))
        : new Invalid();
  }

  private byte[] macOf(byte[] bytes, String streamId) {
    // The place is of a fixed length, so that the id cannot be taken for a part of it.
    mac.update(bytes, 0, PLACE_BYTES);
    return mac.doFinal(streamId.getBytes(StandardCharsets.UTF_8));
  }
}
