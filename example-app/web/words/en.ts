import { pluralOf } from './plural.ts'

const plural = pluralOf('en')
const changes = (count: number) => plural(count, { one: '# change', other: '# changes' })

/** All texts of the pages. Parameters are names, numbers, or dates and lists that `format.ts` has written. */
export const en = {
  appName: 'Sealed Notes',
  untitled: 'Untitled',
  justNow: 'just now',
  tryAgain: 'Try again',
  opening: 'Opening…',
  copyToNew: 'Copy to a new document',
  notDone: 'That did not work. Please try again when the document is live.',
  you: (name: string) => `${name} (you)`,
  copyOf: (title: string) => `${title} (copy)`,
  changes,

  roles: { owner: 'Owner', editor: 'Can edit', viewer: 'Can read' },

  ui: {
    close: 'Close',
    linkCopied: 'Link copied',
    copyByHand: 'Select the link and copy it',
    themes: { auto: 'Colours: as the device', light: 'Colours: light', dark: 'Colours: dark' },
    language: 'Language',
    failedTitle: 'This page could not be shown',
    failed: 'Nothing is lost: what you wrote is kept on this device.'
  },

  home: {
    youAre: 'You are',
    sessions: 'Sessions',
    heading: { first: 'Write together.', second: 'Only you hold the key.' },
    intro: 'Your words are encrypted in your browser before they leave it. The server stores them and passes them on to the people you invite, and cannot read a single one.',
    newDocument: 'New document',
    import: 'Import Markdown or Word',
    importTooBig: 'This file is too big: at most 20 MB.',
    importFailed: 'This file could not be read.',
    howItWorks: 'How it works',
    steps: {
      lock: { what: 'Sealed here', meaning: 'Every change is encrypted on your device, with a key that is made on your device.' },
      server: { what: 'Carried there', meaning: 'The server keeps sealed envelopes in order and hands them on. In every document you can look at them.' },
      key: { what: 'Opened by link', meaning: 'The key is in the part of a link that browsers never send. Who gets the link can read.' }
    },
    yourName: 'Your name, as others see it',
    nameNote: 'No account, no password. The name stays on this device and the server.',
    unreachable: 'The server cannot be reached at the moment. Please try again.',
    noStorageTitle: 'Nothing can be kept here',
    noStorage: 'This browser does not let the page store anything. Without that it would lose the keys of your documents. A window that is not private, or another browser, will do.',
    /** Any of the first with any of the second is a name for somebody who does not want to think of one. */
    names: {
      first: ['Quiet', 'Bright', 'Gentle', 'Swift', 'Curious', 'Calm', 'Brave', 'Merry', 'Clever', 'Kind', 'Patient', 'Sunny'],
      second: ['Heron', 'Otter', 'Maple', 'Fox', 'Wren', 'Juniper', 'Badger', 'Willow', 'Sparrow', 'Hazel', 'Lynx', 'Robin']
    }
  },

  join: {
    title: 'You are invited to a document',
    intro: 'It is encrypted: only the people in it can read it, and the key is in the link that you opened.',
    open: 'Open it',
    titleByLink: 'A document for you',
    introByLink: 'Before it opens: what should the others in it call you?',
    joining: 'Opening the invitation…',
    endedTitle: 'This invitation has ended',
    ended: 'Ask the person who sent it for a new link.',
    unreachableTitle: 'The server cannot be reached',
    unreachable: 'Nothing is lost. The invitation can be opened when the connection is back.',
    incompleteTitle: 'This link is incomplete',
    incomplete: 'Its end is missing, and that is where the key is. Ask for the link again, and copy all of it.'
  },

  list: {
    heading: 'On this device',
    search: 'Search in titles',
    order: 'Order',
    orders: { opened: 'Last opened first', title: 'By title' },
    folder: 'Folder',
    allFolders: 'All folders',
    folderOf: (title: string) => `Folder of ${title}`,
    folderNote: 'Folders are on this device only, and in your recovery files. Without a name the document is in none.',
    saveFolder: 'Save',
    found: (count: number) => plural(count, { one: '# found', other: '# found' }),
    noneFound: 'No such document on this device.',
    notSent: 'Not sent yet',
    noAccess: 'No access any more',
    roles: { owner: 'Yours', editor: 'You can edit', viewer: 'You can read' },
    removeFromDevice: (title: string) => `Remove ${title} from this device`,
    removeTitle: 'Remove from this device?',
    removeNote: (title: string) => `The text and the key of “${title}” are removed from this browser. Others keep the document. Without its link you cannot open it again, and nobody can bring back a key that nobody has.`,
    keep: 'Keep it',
    remove: 'Remove'
  },

  sessions: {
    title: 'Your sessions',
    intro: 'Each browser in which you are this person has a session. One that you end is out of all documents at once.',
    list: 'Sessions',
    thisBrowser: 'This browser',
    anotherBrowser: 'Another browser',
    facts: (since: string, used: string) => `since ${since}, used ${used}`,
    end: 'End',
    endOthers: 'End all others',
    failed: 'That did not work. Please try again later.'
  },

  devices: {
    add: 'Add a device',
    making: 'Making the link…',
    intro: 'Scan this code with the camera of your other device, or open the link there. It then opens all of your documents, as you.',
    code: 'QR code of the link',
    link: 'Link for the other device',
    copy: 'Copy link',
    note: (until: string) => `The link works once, until ${until}, and ends when you close this window. Whoever opens it can read your documents and write as you: show it to nobody.`,
    failed: 'The link could not be made. Please try again when the server can be reached.',
    over: 'The time of this link is over.',
    another: 'Make another link',
    opening: 'Opening the link…',
    question: (name: string) => `Use this device as ${name}?`,
    meaning: (name: string) => `The link is from a browser of ${name}. This device gets the keys of all documents of ${name}, and opens them.`,
    isHere: (name: string) => `You are ${name} in this browser already. It gets the keys that it does not have yet.`,
    replaces: (name: string) => `In this browser you have been ${name} until now, without documents.`,
    onlyYours: 'Go on only if you have made this link yourself. Whoever has made it can read what you write here from now on.',
    yes: 'Open my documents here',
    no: 'Not now',
    endedTitle: 'This link does not work any more',
    ended: 'A link for another device works once, and for ten minutes. Make another one on your other device: “Add a device”, below the list of documents.',
    brokenTitle: 'This link could not be opened',
    broken: 'What the server has given does not fit the link. Make another one on your other device.',
    newerVersion: 'A newer version of this app has made it. Reload this page, and make another link on your other device.',
    notKept: 'This browser could not keep what came with the link. Make another one on your other device, and try again.',
    unreachable: 'The link can be opened when the connection is back.',
    tooManyTitle: 'You have too many sessions',
    tooMany: 'End one of them on your other device: “Sessions”, at the top of the list of documents. Then make another link there.',
    somebodyElseTitle: (name: string) => `${name} has documents in this browser`,
    somebodyElse: (here: string, name: string) => `To become ${name} here would close the documents of ${here}. Make another link, and open it in another browser or in a browser profile of your own. Or remove the documents of ${here} from this device first.`
  },

  recovery: {
    name: 'Recovery file',
    never: 'Only this browser can open these documents. If its data is deleted, they are lost.',
    behind: (saved: string, missing: number) => `The recovery file that you saved ${saved} does not open ${plural(missing, { one: '# document', other: '# documents' })} of these.`,
    complete: (saved: string) => `The recovery file that you saved ${saved} opens all of these documents.`,
    save: 'Save a recovery file',
    saveIntro: 'With the file and this code, another browser or another device opens all of your documents, as you.',
    codeName: 'Code of the recovery file',
    saveNote: 'Write the code down, and keep it apart from the file: who has both can read your documents. The app does not keep the code, and it belongs to this file only. Among your sessions the file is one of its own: end it if the file gets lost.',
    saveFile: 'Save the file',
    saved: 'The file is saved. Documents that you make or open from now on are not in it: save another one then.',
    saveFailed: 'The file could not be made. Please try again when the server can be reached.',
    open: 'Open a recovery file',
    file: 'The file',
    code: 'Its code',
    openIt: 'Open it',
    opened: (count: number) => `Welcome back. ${plural(count, { one: '# document', other: '# documents' })} can be opened here now.`,
    failures: {
      noFile: 'Choose the file first.',
      noCode: 'A code has 25 letters and digits. Something of it is missing, or too much.',
      broken: 'This is not a recovery file, or its end is missing.',
      newerVersion: 'A newer version of this app has made this file. Reload the page, and try again.',
      wrongCode: 'This code does not open this file. Each file has its own code.',
      sessionEnded: 'The keys of your documents are here. But the session of this file has ended: ask the owners for new invitations.',
      otherApp: 'This is not a recovery file of this app.',
      somebodyElse: 'Somebody else has documents in this browser. Open the file in another browser, or in a profile of your own.',
      unknown: 'The file could not be opened. Please try again.'
    }
  },

  document: {
    allDocuments: 'All documents',
    export: 'Export',
    history: 'History',
    serverView: 'What the server sees',
    share: 'Share',
    peopleHere: 'People here now',
    othersHere: (count: number) => plural(count, { one: '# other person here', other: '# other people here' }),
    exportNote: 'A file is not encrypted: whoever has it can read it.',
    markdown: 'Markdown',
    html: 'HTML',
    print: 'Print or PDF',
    copyFailed: 'This device could not keep the copy.',
    /** The name of a file, for a title of which nothing is left. */
    fileName: 'document',
    withMyChanges: (title: string) => `${title} (my changes)`,
    discard: 'Discard them',
    goOn: 'Go on with the server’s',
    earlierVersions: 'Look at earlier versions'
  },

  /** What a person must know before going on: what has happened, and what it means. */
  notices: {
    removed: {
      what: 'Your access was taken back.',
      meaning: 'Its owner has removed you or deleted the document. This page shows what had arrived before. What others write from now on is encrypted with a new key, which this device does not get.'
    },
    unsent: (count: number) => `${changes(count)} of yours did not reach it.`,
    notShared: {
      what: 'This document is not shared with you.',
      meaning: 'Ask its owner for an invitation.'
    },
    noKey: {
      what: 'This link does not open the document any more.',
      meaning: 'It was encrypted with a new key after somebody was removed. Ask the owner for the current link.'
    },
    distrust: {
      what: 'The server has another history of this document than this device.',
      meaning: 'Perhaps a backup was restored, perhaps it withholds something. Your text is kept here, and what the server has not is sent to it if you go on.'
    },
    onlyHere: {
      what: 'This device cannot keep your changes.',
      meaning: 'Its storage is full or closed to this page. Leave the page open until all is sent.'
    },
    refused: (count: number) => `${changes(count)} of yours did not reach the document,`,
    refusedNote: 'since you may only read it now. This device has kept the text with them.',
    leftOut: {
      what: 'A part of this document is not shown.',
      meaning: 'It is nested too deeply, or comes from a newer version of this app. Nothing of it was deleted.'
    },
    locked: 'Changes on this device wait for a key that is not here. They are kept.',
    broken: (count: number) => `${changes(count)} of others could not be read and were left out.`
  },

  status: {
    connecting: 'Connecting…',
    live: 'Live',
    offline: 'Offline',
    trouble: 'Server trouble',
    distrust: 'Stopped',
    noAccess: 'No access',
    noKey: 'Key missing',
    unsent: (count: number) => plural(count, { one: '# unsent', other: '# unsent' }),
    nothingWaits: 'Nothing waits to be sent.',
    waiting: (count: number) => `${changes(count)} will be sent when the connection is back.`,
    onTheWay: 'On the way to the server.',
    saved: 'All changes are saved.',
    saving: 'Saving…',
    goOnWriting: 'You can go on writing.',
    textIsKept: 'Your text is kept on this device.',
    otherHistory: 'The server has another history of this document than this device.',
    accessTaken: 'Your access to this document was taken back.',
    notShared: 'This document is not shared with you.',
    newKey: 'The document was encrypted with a new key that this device does not have.',
    serverCannotWork: 'The server answers, but cannot work at the moment.',
    serverRefuses: 'The server does not take what this page sends.',
    pageFailed: 'Something in this page has failed.',
    serverIsWrong: 'The server has sent something that is not right, and nothing of it was used.',
    triesSoon: 'It tries again in a moment.',
    triesAt: (time: string) => `It tries again at ${time}.`
  },

  editor: {
    title: 'Title',
    text: 'Text',
    placeholder: 'Write something…',
    readOnly: 'You can read this document. What others write appears as they write it.',
    waiting: 'The document appears here once it has arrived and is decrypted.',
    leftOut: 'A part of the document that cannot be shown here',
    done: 'Done',
    formatting: 'Formatting',
    tools: {
      undo: 'Undo',
      redo: 'Redo',
      heading1: 'Heading',
      heading2: 'Small heading',
      heading3: 'Smaller heading',
      bold: 'Bold',
      italic: 'Italic',
      strike: 'Strikethrough',
      code: 'Code',
      link: 'Link',
      comment: 'Comment',
      bullets: 'Bullet list',
      numbers: 'Numbered list',
      checks: 'Check list',
      quote: 'Quote',
      codeblock: 'Code block',
      table: 'Table',
      image: 'Image',
      rowAfter: 'Add row below',
      columnAfter: 'Add column after',
      rowDelete: 'Delete row',
      columnDelete: 'Delete column',
      tableDelete: 'Delete table',
      describe: 'Describe image',
      imageDelete: 'Delete image'
    },
    linkTitle: 'Link',
    linkAddress: 'Address',
    setLink: 'Set link',
    noAddress: 'This is no address of a page or for mail.'
  },

  comments: {
    heading: 'Comments',
    close: 'Close the comments',
    new: 'New comment',
    comment: 'Comment',
    answer: 'Answer',
    send: 'Send',
    cancel: 'Cancel',
    failed: 'This device could not keep the comment.',
    none: 'Select some text, and write a comment on it.',
    noneYet: 'There are no comments.',
    count: (count: number) => plural(count, { one: '# open comment', other: '# open comments' }),
    goTo: (quote: string) => `Go to “${quote}”`,
    textIsGone: 'This text is no longer in the document.',
    noMember: 'No member any more',
    resolve: 'Resolve',
    reopen: 'Open again',
    showResolved: (count: number) => plural(count, { one: 'Show # resolved comment', other: 'Show # resolved comments' }),
    remove: 'Delete',
    removeComment: (text: string) => `Delete “${text.slice(0, 40)}”`
  },

  images: {
    named: (alt: string) => `Image: ${alt}`,
    unnamed: 'Image without a description',
    /** What stands for an image in Markdown, and where there is only text. */
    inText: (alt: string) => `[Image: ${alt}]`,
    inTextUnnamed: '[Image]',
    states: {
      loading: 'Loading…',
      absent: 'The server does not have this image, or not yet.',
      unreachable: 'It appears when there is a connection.',
      broken: 'It cannot be shown: it is damaged, or no image.'
    },
    choose: 'Choose images',
    adding: 'The image is prepared and encrypted…',
    added: 'The image is in the document. Describe it for people who cannot see it.',
    addedStill: 'The image is in the document. Of an animation only the first picture is kept.',
    copied: 'The image was copied from the other document.',
    notCopied: 'The image could not be copied from the other document. It may not be on this device, or the server cannot be reached.',
    kept: 'The image is in the document. It is kept on this device, and sent when there is a connection.',
    notKept: 'The image was not put in: this device cannot keep it. Its storage is full or closed to this page.',
    refused: {
      noImage: 'This is not an image that can be put in. PNG, JPEG, WebP and GIF can.',
      unreadable: 'This image could not be read. It may be damaged.',
      tooBig: 'This image is too big.'
    },
    notTaken: {
      notAllowed: 'The server did not take the image: you may not add to this document now.',
      tooBig: 'The image is too big for the server.',
      tooMany: 'The server takes no more images for this document.',
      full: 'The server has no space left for the documents of its owner.',
      later: 'The server could not take the image now.'
    },
    onlyHere: 'It is kept on this device, and sent as soon as the server takes it. Until then others do not see it.',
    closeNote: 'Close this message',
    exportNote: 'HTML has the images in it. Markdown has only their descriptions.',
    exportMissing: (count: number) => `${plural(count, { one: '# image', other: '# images' })} could not be read, and the file has only what describes them.`,
    describeTitle: 'Describe the image',
    describeLabel: 'What is on the image?',
    describeNote: 'For people who cannot see it, and until it is loaded. It is encrypted with the text.',
    save: 'Save'
  },

  history: {
    title: 'History',
    loading: 'Loading…',
    none: 'There are no versions yet. The first one comes with the first words.',
    versions: 'Versions',
    somebody: 'Somebody',
    notKept: 'no longer kept',
    earlier: 'Earlier versions',
    whatChanged: 'What changed',
    same: 'The text is the same as before.',
    thisVersion: 'This version',
    restore: 'Restore this version',
    restoring: 'Restoring…',
    restored: 'The document is as it was in that version.',
    usage: (size: string) => `The server keeps ${size} of this document, encrypted. Restoring keeps what is here now as a version, too.`
  },

  share: {
    title: 'Share this document',
    needsConnection: 'Sharing needs a connection. It works again as soon as the document is live.',
    inviteByLink: 'Invite by link',
    invitedMay: 'What the invited may do',
    copyInvitation: 'Copy invitation link',
    invitationLink: 'Invitation link',
    inviteNote: 'Whoever opens the link becomes a member. The key is at its end, where the server cannot see it: send it in a way you trust.',
    link: 'Link',
    openToAll: 'Everybody who has the link can open this document and write in it.',
    copyLink: 'Copy link',
    onlyOwner: 'Only the owner of this document can invite others.',
    people: 'People',
    hereNow: 'here now',
    memberMay: (name: string) => `What ${name} may do`,
    remove: 'Remove',
    removeMember: (name: string) => `Remove ${name}`,
    removeNote: (name: string) => `${name} will lose this document at once.`,
    removing: 'Removing…',
    removeYes: 'Yes, remove',
    invitations: 'Open invitations',
    invitation: (role: string, made: string, ends: string) => `${role}, made ${made}, ends ${ends}`,
    nobodyCame: 'nobody came yet',
    came: (names: string) => `came: ${names}`,
    end: 'End',
    endInvitation: (made: string) => `End the invitation of ${made}`,
    removedHeading: 'Removed',
    removedPeople: 'Removed people',
    letBack: 'Let come back',
    letMemberBack: (name: string) => `Let ${name} come back`,
    letBackNote: 'Whoever may come back needs a new invitation.',
    isOut: (name: string) => `${name} is out.`,
    hasNewKey: 'The document has a new key, and its link is a new one. Invitations from before have ended.',
    hasNoNewKey: 'But no new key could be made. What is written from now on is still encrypted with a key that they may have.',
    makeKey: 'Make a new key',
    asked: (names: string) => `${names}: the new key was not sent. Your browser had not seen this device before the removal. Compare the safety number. If it is the same, the key is sent. Or send the new link.`,
    unreached: (names: string) => `Send the new link to ${names}: their devices were not seen here yet.`,
    safety: {
      number: 'Safety number',
      numberWith: (name: string) => `Safety number with ${name}`,
      note: (name: string) => `${name} finds a number in this place, too. Read it to each other where you know the voice: if it is the same, no other device is in between.`,
      isSame: 'It is the same',
      compared: 'You have compared it.',
      late: (name: string) => `Your browser saw this device of ${name} too late. It gets no new keys until you have compared the safety number.`,
      changed: (name: string) => `The server names another device for ${name} than the one that was seen first. Ask them. New keys still go to the first one only.`
    },
    removalNote: 'Removing someone closes the document for them at once. Your browser then makes a new key, seals it for each person who stays, and everything written from then on is encrypted with it.',
    delete: 'Delete document',
    deleteNote: 'It will be gone for everybody, and cannot be brought back.',
    deleteYes: 'Yes, delete',
    leave: 'Leave document',
    leaveNote: 'You will need an invitation to come back.',
    leaveYes: 'Yes, leave'
  },

  server: {
    intro: 'Everything it stores and passes on for this document. It can open none of it: the key is in your link, behind the #, and is never sent.',
    close: 'Close what the server sees',
    waiting: 'Waiting for the server…',
    stored: 'Stored',
    snapshots: 'Snapshots',
    updatesSince: 'Updates since',
    here: 'Here, with the key',
    there: 'There, without',
    writeSomething: 'Write something, and look to the right.',
    nothingYet: 'Nothing yet.',
    chain: 'The chain of snapshots',
    chainNote: 'A snapshot seals the whole text and proves which one came before it. Each dot is an update since the last.',
    keyChanged: 'The key changed when somebody was removed.',
    chainName: 'Snapshots, oldest first',
    updates: (count: number) => plural(count, { one: '# update', other: '# updates' }),
    snapshot: (id: string) => `Snapshot ${id}`,
    withKey: (id: string) => `Encrypted with key ${id}`,
    clocks: 'Clocks',
    clocksNote: 'The server knows authors by a key that each page makes for itself, and counts what each has sent since the last snapshot.',
    noUpdates: 'No updates since the last snapshot.',
    author: 'Author’s public key',
    clock: 'Clock',
    wire: 'On the wire',
    wireNote: 'The last messages between this browser and the server, word for word.',
    sent: 'Sent',
    received: 'Received',
    frames: {
      update: 'Update',
      snapshot: 'Snapshot',
      'ephemeral-message': 'Cursor or greeting',
      'update-saved': 'Update is stored',
      'snapshot-saved': 'Snapshot is stored',
      'update-save-failed': 'Update refused',
      'snapshot-save-failed': 'Snapshot refused',
      document: 'The document',
      heartbeat: 'Heartbeat',
      unauthorized: 'No access'
    },
    shortened: (text: string, length: number) => `${text}… (${plural(length, { one: '# character', other: '# characters' })})`
  }
}

export type Words = typeof en
