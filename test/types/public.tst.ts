import type { IncomingMessage } from 'node:http'
import { PrismaPg } from '@prisma/adapter-pg'
import { Type, type Static } from '@sinclair/typebox'
import Fastify, { type FastifyRequest } from 'fastify'
import { describe, expect, test } from 'tstyche'
import secsync, {
  createPrismaStore, secsyncOptions, type CreateSnapshot, type CreateUpdate, type GetDocument, type Hook, type HookContext, type HookName,
  type Secsync, type SecsyncOptions, type Snapshot, type SnapshotMessage, type StoreCallbacks, type Update
} from '../../lib/index.ts'

const adapter = new PrismaPg({})
const app = Fastify()

const validations = {
  snapshot: Type.Object({ keyId: Type.String() }),
  update: Type.Object({ size: Type.Optional(Type.Integer()) })
}
type Validations = typeof validations

describe('options', () => {
  test('hasAccess is required, and one of adapter, prisma and the three stores is checked at registration', () => {
    expect(app.register).type.toBeCallableWith(secsync, { adapter, hasAccess: () => true })
    expect<SecsyncOptions>().type.not.toBeAssignableFrom({ adapter })
    expect<SecsyncOptions>().type.not.toBeAssignableFrom({ hasAccess: () => 'yes' })
  })

  test('optional ones may be undefined', () => {
    expect<SecsyncOptions>().type.toBeAssignableFrom({
      hasAccess: () => true,
      adapter: undefined,
      bus: undefined,
      redis: undefined,
      preHandler: undefined,
      getDocument: undefined,
      limits: { maxMessageSize: undefined },
      additionalAuthenticationDataValidations: { snapshot: undefined }
    })
  })

  test("request has the application's decorations", () => {
    secsyncOptions({
      hasAccess: ({ request }) => {
        expect(request).type.toBe<FastifyRequest>()
        expect(request.member).type.toBe<{ name: string } | undefined>()
        expect(request.raw).type.toBe<IncomingMessage>()
        return request.member?.name === 'Ada'
      },
      hasBroadcastAccess: ({ requests }) => requests.map((request) => {
        expect(request.member).type.toBe<{ name: string } | undefined>()
        return true
      }),
      getDocument: ({ request }) => {
        expect(request?.member).type.toBe<{ name: string } | undefined>()
        return { updates: [] }
      },
      preHandler: async (request) => { request.member = { name: 'Ada' } }
    })
  })

  test('hasAccess knows the public key of an author, and none of a reader', () => {
    secsyncOptions({
      adapter,
      hasAccess: (params) => {
        if (params.action === 'read') expect(params).type.not.toHaveProperty('publicKey')
        else expect(params.publicKey).type.toBe<string>()
        return true
      }
    })
  })

  test('schemas are those of @sinclair/typebox', () => {
    // As `Type.Object({ keyId: Type.String() })` of the package typebox 1.x.
    const schema = { type: 'object', required: ['keyId'], properties: { keyId: { type: 'string' } } } as const
    expect(secsyncOptions).type.not.toBeCallableWith({ adapter, hasAccess: () => true, additionalAuthenticationDataValidations: { snapshot: schema } })
  })
})

describe('additional public data', () => {
  test('is inferred from the schemas in the callbacks', () => {
    const options = secsyncOptions({
      hasAccess: () => true,
      additionalAuthenticationDataValidations: validations,
      createSnapshot: async ({ snapshot }) => {
        expect(snapshot.publicData.keyId).type.toBe<string>()
        expect(snapshot.publicData.snapshotId).type.toBe<string>()
        expect(snapshot.additionalServerData).type.toBe<unknown>()
        return snapshot
      },
      createUpdate: async ({ update }) => {
        expect(update.publicData.size).type.toBe<number | undefined>()
        expect(update.publicData).type.not.toHaveProperty('keyId')
        return update
      },
      getDocument: () => {
        expect<GetDocument<Validations>>().type.not.toBeAssignableFrom(() => ({ snapshot: {} as Snapshot, updates: [] }))
        return { snapshot: {} as Snapshot<Validations>, updates: [] }
      }
    })
    expect(app.register).type.toBeCallableWith(secsync, options)
  })

  test('is unknown without a schema', () => {
    expect<Snapshot['publicData']>().type.not.toHaveProperty('keyId')
    expect<Snapshot<Validations>>().type.toBeAssignableTo<Snapshot>()
    expect<Snapshot>().type.not.toBeAssignableTo<Snapshot<Validations>>()
    expect<Snapshot<Validations>['publicData']['keyId']>().type.toBe<Static<typeof validations.snapshot>['keyId']>()
    secsyncOptions({
      hasAccess: () => true,
      adapter,
      createSnapshot: ({ snapshot }) => {
        expect(snapshot).type.toBe<SnapshotMessage>()
        return snapshot
      }
    })
  })

  test('is known to the decorator and its hooks', () => {
    const typed = app.getDecorator<Secsync<Validations>>('secsync')
    typed.addHook('preHandler', (context) => {
      if (context.action === 'write-snapshot') expect(context.message.publicData.keyId).type.toBe<string>()
      if (context.action === 'write-update') expect(context.message.publicData.size).type.toBe<number | undefined>()
    })
    expect(typed.createSnapshot).type.toBe<CreateSnapshot<Validations>>()
    expect(typed.createUpdate).type.toBe<CreateUpdate<Validations>>()
    expect(app.secsync).type.toBe<Secsync>()
  })

  test('is known to a store', () => {
    expect<StoreCallbacks<Validations>['getDocument']>().type.toBe<GetDocument<Validations>>()
    expect(createPrismaStore<Validations>({ adapter }).createSnapshot).type.toBe<CreateSnapshot<Validations>>()
    expect(createPrismaStore({ adapter }).createUpdate).type.toBe<CreateUpdate>()
  })
})

describe('hooks', () => {
  test('get the context of their stage', () => {
    app.secsync.addHook('onRequest', ({ message, request, stage }) => {
      expect(message).type.toBe<Buffer>()
      expect(request.member).type.toBe<{ name: string } | undefined>()
      expect(stage).type.toBe<'onRequest'>()
    })
    app.secsync.addHook('preValidation', ({ action, message }) => {
      expect(action).type.toBe<'write-snapshot' | 'write-update' | 'send-ephemeral-message'>()
      expect(message).type.toBe<object>()
    })
    app.secsync.addHook('onSend', ({ publicKey }) => { expect(publicKey).type.toBe<string>() })
    app.secsync.addHook('onClose', ({ code }) => { expect(code).type.toBe<number>() })
    app.secsync.addHook('onError', ({ error, action }) => {
      expect(error).type.toBe<unknown>()
      expect(action).type.toBe<'read' | 'write-snapshot' | 'write-update' | 'send-ephemeral-message' | undefined>()
    })
    expect<HookContext<'onRequest'>>().type.not.toHaveProperty('publicKey')
    expect<HookContext<'onSend'>>().type.not.toHaveProperty('error')
    expect(app.secsync.addHook).type.not.toBeCallableWith('onEverything', () => {})
  })

  test('tell handshakes and messages apart by the action', () => {
    app.secsync.addHook('preHandler', (context) => {
      switch (context.action) {
        case 'read':
          expect(context.publicKey).type.toBe<undefined>()
          break
        case 'write-snapshot':
          expect(context.publicKey).type.toBe<string>()
          expect(context.message).type.toBe<SnapshotMessage>()
          break
        case 'write-update':
          expect(context.message).type.toBe<Update>()
          break
        default:
          expect(context.action).type.toBe<'send-ephemeral-message'>()
      }
    })
    // Destructured before it is told apart.
    app.secsync.addHook('preHandler', ({ publicKey }) => { expect(publicKey).type.toBe<string | undefined>() })
  })

  test('one function for all stages tells them apart by the stage', () => {
    const hook: Hook = (context) => {
      if (context.stage === 'onClose') expect(context.code).type.toBe<number>()
      else if (context.stage === 'onError') expect(context.error).type.toBe<unknown>()
      else expect(context.stage).type.toBe<Exclude<HookName, 'onClose' | 'onError'>>()
    }
    expect(app.secsync.addHook).type.toBeCallableWith('onRequest', hook)
    expect(app.secsync.addHook).type.toBeCallableWith('onClose', hook)
  })
})
