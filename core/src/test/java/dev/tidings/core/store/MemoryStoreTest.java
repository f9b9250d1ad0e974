// SPDX-License-Identifier: Apache-2.0
package dev.tidings.core.store;

/// The memory store keeps the contract; a [MemoryStore.Memory] is its medium.
final class MemoryStoreTest extends StoreContract {
  private final MemoryStore.Memory memory = new MemoryStore.Memory();

  @Override
  protected Store open() {
    return new MemoryStore(memory);
  }

  @Override
  protected Sharing sharing() {
    return Sharing.SHARED;
  }
}
