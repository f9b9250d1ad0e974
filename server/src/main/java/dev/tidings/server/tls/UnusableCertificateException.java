// SPDX-License-Identifier: Apache-2.0
package dev.tidings.server.tls;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/// Why a certificate or its key cannot be used: for the operator, with the file and what was
/// expected.
public final class UnusableCertificateException extends Exception {
  @Serial private static final long serialVersionUID = 1;

  UnusableCertificateException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
