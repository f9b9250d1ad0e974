// SPDX-License-Identifier: Apache-2.0
package dev.tidings.store.rocksdb;

import java.io.Serial;

/// A stored value is not what was written. Never leaves this package: whoever reads decides what
/// the damage costs.
final class DamagedValueException extends Exception {
  @Serial private static final long serialVersionUID = 1;

  DamagedValueException(String reason) {
    super(reason);
  }
}
