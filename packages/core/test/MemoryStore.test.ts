import { MemoryStore } from "@memory-r1/core"
import { memoryStoreLaws } from "@memory-r1/core/testing"
memoryStoreLaws("in memory", MemoryStore.layerInMemory)
