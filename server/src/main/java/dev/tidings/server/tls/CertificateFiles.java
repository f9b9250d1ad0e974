// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.tls;

import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The two files of a certificate, and what was last found in them.
///
/// Used by one thread at a time.
final class CertificateFiles {
  /// Far more than any chain.
  private static final int MAX_BYTES = 1 << 20;

  private final Vertx vertx;
  private final TlsSettings settings;
  private Found last = new Missing("");

  /// What a look at the files came to.
  private sealed interface Found {}

  private record Contents(Buffer certificate, Buffer privateKey) implements Found {}

  private record Missing(String why) implements Found {}

  CertificateFiles(Vertx vertx, TlsSettings settings) {
    this.vertx = vertx;
    this.settings = settings;
  }

  /// The certificate in the files now; empty if they are as they were at the last look.
  ///
  /// @throws UnusableCertificateException if they have changed into something that cannot be used;
  ///   once for each change
  Optional<ServerCertificate> look() throws UnusableCertificateException {
    Contents now;
    try {
      now =
          new Contents(
              read("tls.certificate", settings.certificate()),
              read("tls.private-key", settings.privateKey()));
    } catch (UnusableCertificateException e) {
      Missing missing = new Missing(String.valueOf(e.getMessage()));
      boolean known = missing.equals(last);
      last = missing;
      if (known) {
        return Optional.empty();
      }
      throw e;
    }
    if (now.equals(last)) {
      return Optional.empty();
    }
    last = now;
    return Optional.of(ServerCertificate.of(vertx, settings, now.certificate(), now.privateKey()));
  }

  /// Forgets what was read last: it could not be put into use, and the next look tries again.
  void forget() {
    last = new Missing("");
  }

  private static Buffer read(String key, Path file) throws UnusableCertificateException {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw unreadable(key, file, "is larger than 1 MiB", null);
      }
      return Buffer.buffer(bytes);
    } catch (NoSuchFileException e) {
      throw unreadable(key, file, "does not exist", e);
    } catch (IOException e) {
      throw unreadable(key, file, "cannot be read: " + e, e);
    }
  }

  private static UnusableCertificateException unreadable(
      String key, Path file, String why, @Nullable Exception cause) {
    return new UnusableCertificateException(
        key + ": " + file + " " + why + " (expected: a PEM file)", cause);
  }
}
