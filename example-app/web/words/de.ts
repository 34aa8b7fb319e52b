import type { Words } from './en.ts'
import { pluralOf } from './plural.ts'

const plural = pluralOf('de')
const changes = (count: number) => plural(count, { one: '# Änderung', other: '# Änderungen' })

export const de: Words = {
  appName: 'Sealed Notes',
  untitled: 'Ohne Titel',
  justNow: 'gerade eben',
  tryAgain: 'Noch einmal versuchen',
  opening: 'Wird geöffnet …',
  copyToNew: 'In ein neues Dokument kopieren',
  notDone: 'Das hat nicht geklappt. Bitte versuchen Sie es noch einmal, wenn das Dokument online ist.',
  you: (name) => `${name} (Sie)`,
  copyOf: (title) => `${title} (Kopie)`,
  changes,

  roles: { owner: 'Eigentümer', editor: 'Darf schreiben', viewer: 'Darf lesen' },

  ui: {
    close: 'Schließen',
    linkCopied: 'Link kopiert',
    copyByHand: 'Link markieren und kopieren',
    themes: { auto: 'Farben: wie das Gerät', light: 'Farben: hell', dark: 'Farben: dunkel' },
    language: 'Sprache',
    failedTitle: 'Diese Seite konnte nicht angezeigt werden',
    failed: 'Nichts ist verloren: Was Sie geschrieben haben, ist auf diesem Gerät gespeichert.'
  },

  home: {
    youAre: 'Sie sind',
    sessions: 'Sitzungen',
    heading: { first: 'Gemeinsam schreiben.', second: 'Nur Sie haben den Schlüssel.' },
    intro: 'Ihr Text wird in Ihrem Browser verschlüsselt, bevor er ihn verlässt. Der Server speichert ihn und gibt ihn an die Personen weiter, die Sie einladen. Lesen kann er kein einziges Wort.',
    newDocument: 'Neues Dokument',
    import: 'Markdown oder Word importieren',
    importTooBig: 'Diese Datei ist zu groß: höchstens 20 MB.',
    importFailed: 'Diese Datei konnte nicht gelesen werden.',
    howItWorks: 'So funktioniert es',
    steps: {
      lock: { what: 'Hier verschlüsselt', meaning: 'Jede Änderung wird auf Ihrem Gerät verschlüsselt, mit einem Schlüssel, der auf Ihrem Gerät entsteht.' },
      server: { what: 'Dort weitergegeben', meaning: 'Der Server bewahrt verschlossene Umschläge der Reihe nach auf und gibt sie weiter. In jedem Dokument können Sie sie ansehen.' },
      key: { what: 'Mit dem Link geöffnet', meaning: 'Der Schlüssel steht in dem Teil eines Links, den Browser nie senden. Wer den Link bekommt, kann lesen.' }
    },
    yourName: 'Ihr Name, wie andere ihn sehen',
    nameNote: 'Kein Konto, kein Passwort. Der Name bleibt auf diesem Gerät und auf dem Server.',
    unreachable: 'Der Server ist gerade nicht erreichbar. Bitte versuchen Sie es noch einmal.',
    noStorageTitle: 'Hier kann nichts gespeichert werden',
    noStorage: 'Dieser Browser lässt die Seite nichts speichern. Sie würde deshalb die Schlüssel Ihrer Dokumente verlieren. Verwenden Sie ein Fenster, das nicht privat ist, oder einen anderen Browser.',
    names: {
      first: ['Stiller', 'Heller', 'Sanfter', 'Flinker', 'Neugieriger', 'Ruhiger', 'Mutiger', 'Froher', 'Kluger', 'Netter', 'Geduldiger', 'Sonniger'],
      second: ['Reiher', 'Otter', 'Ahorn', 'Fuchs', 'Zaunkönig', 'Wacholder', 'Dachs', 'Falke', 'Spatz', 'Igel', 'Luchs', 'Specht']
    }
  },

  join: {
    title: 'Sie sind zu einem Dokument eingeladen',
    intro: 'Es ist verschlüsselt: Nur wer dazugehört, kann es lesen. Der Schlüssel steht in dem Link, den Sie geöffnet haben.',
    open: 'Öffnen',
    titleByLink: 'Ein Dokument für Sie',
    introByLink: 'Bevor es sich öffnet: Wie sollen die anderen Sie nennen?',
    joining: 'Die Einladung wird geöffnet …',
    endedTitle: 'Diese Einladung gilt nicht mehr',
    ended: 'Bitten Sie die Person, die sie gesendet hat, um einen neuen Link.',
    unreachableTitle: 'Der Server ist nicht erreichbar',
    unreachable: 'Nichts ist verloren. Sie können die Einladung öffnen, sobald die Verbindung wieder da ist.',
    incompleteTitle: 'Dieser Link ist unvollständig',
    incomplete: 'Sein Ende fehlt, und dort steht der Schlüssel. Bitten Sie noch einmal um den Link, und kopieren Sie ihn ganz.'
  },

  list: {
    heading: 'Auf diesem Gerät',
    search: 'In Titeln suchen',
    order: 'Reihenfolge',
    orders: { opened: 'Zuletzt geöffnete zuerst', title: 'Nach Titel' },
    folder: 'Ordner',
    allFolders: 'Alle Ordner',
    folderOf: (title) => `Ordner von ${title}`,
    folderNote: 'Ordner gibt es nur auf diesem Gerät und in Ihren Wiederherstellungsdateien. Ohne einen Namen ist das Dokument in keinem.',
    saveFolder: 'Speichern',
    found: (count) => plural(count, { one: '# gefunden', other: '# gefunden' }),
    noneFound: 'Kein solches Dokument auf diesem Gerät.',
    notSent: 'Noch nicht gesendet',
    noAccess: 'Kein Zugriff mehr',
    roles: { owner: 'Ihr Dokument', editor: 'Sie dürfen schreiben', viewer: 'Sie dürfen lesen' },
    removeFromDevice: (title) => `${title} von diesem Gerät entfernen`,
    removeTitle: 'Von diesem Gerät entfernen?',
    removeNote: (title) => `Der Text und der Schlüssel von „${title}“ werden aus diesem Browser entfernt. Andere behalten das Dokument. Ohne seinen Link können Sie es nicht mehr öffnen. Einen Schlüssel, den niemand hat, kann niemand zurückholen.`,
    keep: 'Behalten',
    remove: 'Entfernen'
  },

  sessions: {
    title: 'Ihre Sitzungen',
    intro: 'Jeder Browser, in dem Sie diese Person sind, hat eine Sitzung. Wenn Sie eine beenden, verliert der Browser sofort den Zugriff auf alle Dokumente.',
    list: 'Sitzungen',
    thisBrowser: 'Dieser Browser',
    anotherBrowser: 'Ein anderer Browser',
    facts: (since, used) => `seit ${since}, verwendet ${used}`,
    end: 'Beenden',
    endOthers: 'Alle anderen beenden',
    failed: 'Das hat nicht geklappt. Bitte versuchen Sie es später noch einmal.'
  },

  recovery: {
    name: 'Wiederherstellungsdatei',
    never: 'Nur dieser Browser kann diese Dokumente öffnen. Wenn seine Daten gelöscht werden, sind sie verloren.',
    behind: (saved, missing) => `Die Wiederherstellungsdatei, die Sie ${saved} gespeichert haben, öffnet ${plural(missing, { one: '# Dokument', other: '# Dokumente' })} hiervon nicht.`,
    complete: (saved) => `Die Wiederherstellungsdatei, die Sie ${saved} gespeichert haben, öffnet alle diese Dokumente.`,
    save: 'Wiederherstellungsdatei speichern',
    saveIntro: 'Mit der Datei und diesem Code öffnet ein anderer Browser oder ein anderes Gerät alle Ihre Dokumente, und Sie sind dort dieselbe Person.',
    codeName: 'Code der Wiederherstellungsdatei',
    saveNote: 'Schreiben Sie den Code auf, und bewahren Sie ihn getrennt von der Datei auf: Wer beides hat, kann Ihre Dokumente lesen. Die App speichert den Code nicht, und er gehört nur zu dieser Datei. Die Datei hat eine eigene Sitzung: Beenden Sie diese, wenn die Datei verloren geht.',
    saveFile: 'Datei speichern',
    saved: 'Die Datei ist gespeichert. Dokumente, die Sie ab jetzt anlegen oder öffnen, sind nicht darin: Speichern Sie dann eine neue.',
    saveFailed: 'Die Datei konnte nicht erstellt werden. Bitte versuchen Sie es noch einmal, wenn der Server erreichbar ist.',
    open: 'Wiederherstellungsdatei öffnen',
    file: 'Die Datei',
    code: 'Ihr Code',
    openIt: 'Öffnen',
    opened: (count) => `Willkommen zurück. Hier ${plural(count, { one: 'kann jetzt # Dokument', other: 'können jetzt # Dokumente' })} geöffnet werden.`,
    failures: {
      noFile: 'Wählen Sie zuerst die Datei.',
      noCode: 'Ein Code hat 25 Buchstaben und Ziffern. Etwas fehlt, oder es ist zu viel.',
      broken: 'Das ist keine Wiederherstellungsdatei, oder ihr Ende fehlt.',
      newerVersion: 'Diese Datei stammt aus einer neueren Version der App. Laden Sie die Seite neu, und versuchen Sie es noch einmal.',
      wrongCode: 'Dieser Code öffnet diese Datei nicht. Jede Datei hat ihren eigenen Code.',
      sessionEnded: 'Die Schlüssel Ihrer Dokumente sind hier. Aber die Sitzung dieser Datei ist beendet: Bitten Sie die Eigentümer um neue Einladungen.',
      otherApp: 'Das ist keine Wiederherstellungsdatei dieser App.',
      somebodyElse: 'Jemand anderes hat Dokumente in diesem Browser. Öffnen Sie die Datei in einem anderen Browser oder in einem eigenen Profil.',
      unknown: 'Die Datei konnte nicht geöffnet werden. Bitte versuchen Sie es noch einmal.'
    }
  },

  document: {
    allDocuments: 'Alle Dokumente',
    export: 'Exportieren',
    history: 'Verlauf',
    serverView: 'Was der Server sieht',
    share: 'Teilen',
    peopleHere: 'Personen, die gerade hier sind',
    othersHere: (count) => plural(count, { one: '# andere Person hier', other: '# andere Personen hier' }),
    exportNote: 'Eine Datei ist nicht verschlüsselt: Wer sie hat, kann sie lesen.',
    markdown: 'Markdown',
    html: 'HTML',
    print: 'Drucken oder PDF',
    copyFailed: 'Dieses Gerät konnte die Kopie nicht speichern.',
    fileName: 'Dokument',
    withMyChanges: (title) => `${title} (meine Änderungen)`,
    discard: 'Verwerfen',
    goOn: 'Mit dem Stand des Servers weitermachen',
    earlierVersions: 'Frühere Versionen ansehen'
  },

  notices: {
    removed: {
      what: 'Ihr Zugriff wurde beendet.',
      meaning: 'Sie wurden aus dem Dokument entfernt, oder es wurde gelöscht. Diese Seite zeigt, was vorher angekommen ist. Was andere ab jetzt schreiben, wird mit einem neuen Schlüssel verschlüsselt, den dieses Gerät nicht bekommt.'
    },
    unsent: (count) => `${changes(count)} von Ihnen ${plural(count, { one: 'ist', other: 'sind' })} dort nicht angekommen.`,
    notShared: {
      what: 'Dieses Dokument ist nicht mit Ihnen geteilt.',
      meaning: 'Bitten Sie den Eigentümer um eine Einladung.'
    },
    noKey: {
      what: 'Dieser Link öffnet das Dokument nicht mehr.',
      meaning: 'Es wurde mit einem neuen Schlüssel verschlüsselt, nachdem jemand entfernt wurde. Bitten Sie den Eigentümer um den jetzigen Link.'
    },
    distrust: {
      what: 'Der Server hat einen anderen Verlauf dieses Dokuments als dieses Gerät.',
      meaning: 'Vielleicht wurde eine Sicherung eingespielt, vielleicht hält er etwas zurück. Ihr Text ist hier gespeichert. Was dem Server fehlt, wird an ihn gesendet, wenn Sie weitermachen.'
    },
    onlyHere: {
      what: 'Dieses Gerät kann Ihre Änderungen nicht speichern.',
      meaning: 'Sein Speicher ist voll oder für diese Seite gesperrt. Lassen Sie die Seite offen, bis alles gesendet ist.'
    },
    refused: (count) => `${changes(count)} von Ihnen ${plural(count, { one: 'ist', other: 'sind' })} nicht im Dokument angekommen,`,
    refusedNote: 'da Sie es jetzt nur noch lesen dürfen. Dieses Gerät hat den Text damit gespeichert.',
    leftOut: {
      what: 'Ein Teil dieses Dokuments wird nicht angezeigt.',
      meaning: 'Er ist zu tief verschachtelt oder stammt aus einer neueren Version der App. Nichts davon wurde gelöscht.'
    },
    locked: 'Änderungen auf diesem Gerät warten auf einen Schlüssel, der nicht hier ist. Sie bleiben gespeichert.',
    broken: (count) => `${changes(count)} von anderen ${plural(count, { one: 'konnte nicht gelesen werden und wurde', other: 'konnten nicht gelesen werden und wurden' })} ausgelassen.`
  },

  status: {
    connecting: 'Wird verbunden …',
    live: 'Online',
    offline: 'Offline',
    trouble: 'Serverproblem',
    distrust: 'Angehalten',
    noAccess: 'Kein Zugriff',
    noKey: 'Schlüssel fehlt',
    unsent: (count) => plural(count, { one: '# nicht gesendet', other: '# nicht gesendet' }),
    nothingWaits: 'Es ist alles gesendet.',
    waiting: (count) => `${changes(count)} ${plural(count, { one: 'wird', other: 'werden' })} gesendet, sobald die Verbindung wieder da ist.`,
    onTheWay: 'Die Verbindung zum Server wird hergestellt.',
    saved: 'Alle Änderungen sind gespeichert.',
    saving: 'Wird gespeichert …',
    goOnWriting: 'Sie können weiterschreiben.',
    textIsKept: 'Ihr Text ist auf diesem Gerät gespeichert.',
    otherHistory: 'Der Server hat einen anderen Verlauf dieses Dokuments als dieses Gerät.',
    accessTaken: 'Ihr Zugriff auf dieses Dokument wurde beendet.',
    notShared: 'Dieses Dokument ist nicht mit Ihnen geteilt.',
    newKey: 'Das Dokument wurde mit einem neuen Schlüssel verschlüsselt, den dieses Gerät nicht hat.',
    serverCannotWork: 'Der Server antwortet, kann aber gerade nicht arbeiten.',
    serverRefuses: 'Der Server nimmt nicht an, was diese Seite sendet.',
    pageFailed: 'In dieser Seite ist ein Fehler aufgetreten.',
    serverIsWrong: 'Der Server hat etwas Falsches gesendet. Nichts davon wurde verwendet.',
    triesSoon: 'Gleich folgt der nächste Versuch.',
    triesAt: (time) => `Der nächste Versuch folgt um ${time}.`
  },

  editor: {
    title: 'Titel',
    text: 'Text',
    placeholder: 'Schreiben Sie etwas …',
    readOnly: 'Sie dürfen dieses Dokument lesen. Was andere schreiben, erscheint, während sie es schreiben.',
    waiting: 'Das Dokument erscheint hier, sobald es angekommen und entschlüsselt ist.',
    leftOut: 'Ein Teil des Dokuments, der hier nicht angezeigt werden kann',
    done: 'Erledigt',
    formatting: 'Formatierung',
    tools: {
      undo: 'Rückgängig',
      redo: 'Wiederholen',
      heading1: 'Überschrift',
      heading2: 'Kleine Überschrift',
      heading3: 'Kleinere Überschrift',
      bold: 'Fett',
      italic: 'Kursiv',
      strike: 'Durchgestrichen',
      code: 'Code',
      link: 'Link',
      bullets: 'Liste',
      numbers: 'Nummerierte Liste',
      checks: 'Aufgabenliste',
      quote: 'Zitat',
      codeblock: 'Codeblock',
      table: 'Tabelle',
      rowAfter: 'Zeile darunter einfügen',
      columnAfter: 'Spalte danach einfügen',
      rowDelete: 'Zeile löschen',
      columnDelete: 'Spalte löschen',
      tableDelete: 'Tabelle löschen'
    },
    linkTitle: 'Link',
    linkAddress: 'Adresse',
    setLink: 'Link setzen',
    noAddress: 'Das ist keine Adresse einer Seite oder für E-Mail.'
  },

  history: {
    title: 'Verlauf',
    loading: 'Wird geladen …',
    none: 'Es gibt noch keine Versionen. Die erste entsteht mit den ersten Wörtern.',
    versions: 'Versionen',
    somebody: 'Jemand',
    notKept: 'nicht mehr gespeichert',
    earlier: 'Frühere Versionen',
    whatChanged: 'Was sich geändert hat',
    same: 'Der Text ist derselbe wie vorher.',
    thisVersion: 'Diese Version',
    restore: 'Diese Version wiederherstellen',
    restoring: 'Wird wiederhergestellt …',
    restored: 'Das Dokument ist wieder wie in dieser Version.',
    usage: (size) => `Der Server bewahrt ${size} dieses Dokuments auf, verschlüsselt. Wenn Sie eine Version wiederherstellen, bleibt auch der jetzige Stand als Version erhalten.`
  },

  share: {
    title: 'Dieses Dokument teilen',
    needsConnection: 'Zum Teilen ist eine Verbindung nötig. Es geht wieder, sobald das Dokument online ist.',
    inviteByLink: 'Mit einem Link einladen',
    invitedMay: 'Was Eingeladene dürfen',
    copyInvitation: 'Einladungslink kopieren',
    invitationLink: 'Einladungslink',
    inviteNote: 'Wer den Link öffnet, wird Mitglied. Der Schlüssel steht am Ende, wo der Server ihn nicht sieht: Senden Sie den Link auf einem Weg, dem Sie vertrauen.',
    link: 'Link',
    openToAll: 'Alle, die den Link haben, können dieses Dokument öffnen und darin schreiben.',
    copyLink: 'Link kopieren',
    onlyOwner: 'Nur der Eigentümer dieses Dokuments kann andere einladen.',
    people: 'Personen',
    hereNow: 'gerade hier',
    memberMay: (name) => `Was ${name} darf`,
    remove: 'Entfernen',
    removeMember: (name) => `${name} entfernen`,
    removeNote: (name) => `${name} verliert dieses Dokument sofort.`,
    removing: 'Wird entfernt …',
    removeYes: 'Ja, entfernen',
    invitations: 'Offene Einladungen',
    invitation: (role, made, ends) => `${role}, erstellt am ${made}, endet am ${ends}`,
    nobodyCame: 'noch niemand gekommen',
    came: (names) => `gekommen: ${names}`,
    end: 'Beenden',
    endInvitation: (made) => `Einladung vom ${made} beenden`,
    removedHeading: 'Entfernt',
    removedPeople: 'Entfernte Personen',
    letBack: 'Wieder zulassen',
    letMemberBack: (name) => `${name} wieder zulassen`,
    letBackNote: 'Wer wieder zugelassen ist, braucht eine neue Einladung.',
    isOut: (name) => `${name} ist entfernt.`,
    hasNewKey: 'Das Dokument hat einen neuen Schlüssel und einen neuen Link. Frühere Einladungen gelten nicht mehr.',
    hasNoNewKey: 'Aber es konnte kein neuer Schlüssel erstellt werden. Was ab jetzt geschrieben wird, ist weiter mit einem Schlüssel verschlüsselt, den diese Person vielleicht hat.',
    makeKey: 'Neuen Schlüssel erstellen',
    unreached: (names) => `Senden Sie den neuen Link an ${names}: Deren Geräte wurden hier noch nicht gesehen.`,
    safety: {
      number: 'Sicherheitsnummer',
      numberWith: (name) => `Sicherheitsnummer mit ${name}`,
      note: (name) => `${name} findet an dieser Stelle auch eine Nummer. Lesen Sie sie einander vor, wo Sie die Stimme kennen: Ist sie gleich, steht kein anderes Gerät dazwischen.`,
      isSame: 'Sie ist gleich',
      compared: 'Sie haben sie verglichen.',
      changed: (name) => `Der Server nennt für ${name} ein anderes Gerät als das zuerst gesehene. Fragen Sie nach. Neue Schlüssel gehen weiterhin nur an das erste.`
    },
    removalNote: 'Wenn Sie jemanden entfernen, schließt sich das Dokument für diese Person sofort. Ihr Browser erstellt dann einen neuen Schlüssel und verschließt ihn für alle, die bleiben. Alles, was danach geschrieben wird, ist damit verschlüsselt.',
    delete: 'Dokument löschen',
    deleteNote: 'Es wird für alle gelöscht und kann nicht zurückgeholt werden.',
    deleteYes: 'Ja, löschen',
    leave: 'Dokument verlassen',
    leaveNote: 'Sie brauchen dann eine Einladung, um zurückzukommen.',
    leaveYes: 'Ja, verlassen'
  },

  server: {
    intro: 'Alles, was er für dieses Dokument speichert und weitergibt. Nichts davon kann er öffnen: Der Schlüssel steht in Ihrem Link nach dem # und wird nie gesendet.',
    close: 'Schließen, was der Server sieht',
    waiting: 'Warten auf den Server …',
    stored: 'Gespeichert',
    snapshots: 'Snapshots',
    updatesSince: 'Updates seitdem',
    here: 'Hier, mit Schlüssel',
    there: 'Dort, ohne',
    writeSomething: 'Schreiben Sie etwas, und sehen Sie nach rechts.',
    nothingYet: 'Noch nichts.',
    chain: 'Die Kette der Snapshots',
    chainNote: 'Ein Snapshot enthält den ganzen Text verschlüsselt und beweist, welcher vor ihm kam. Jeder Punkt ist ein Update seit dem letzten.',
    keyChanged: 'Der Schlüssel wurde gewechselt, als jemand entfernt wurde.',
    chainName: 'Snapshots, ältester zuerst',
    updates: (count) => plural(count, { one: '# Update', other: '# Updates' }),
    snapshot: (id) => `Snapshot ${id}`,
    withKey: (id) => `Verschlüsselt mit Schlüssel ${id}`,
    clocks: 'Zähler',
    clocksNote: 'Der Server kennt Autoren an einem Schlüssel, den jede Seite für sich erstellt. Er zählt, was jeder seit dem letzten Snapshot gesendet hat.',
    noUpdates: 'Keine Updates seit dem letzten Snapshot.',
    author: 'Öffentlicher Schlüssel des Autors',
    clock: 'Zähler',
    wire: 'Auf der Leitung',
    wireNote: 'Die letzten Nachrichten zwischen diesem Browser und dem Server, Wort für Wort.',
    sent: 'Gesendet',
    received: 'Empfangen',
    frames: {
      update: 'Update',
      snapshot: 'Snapshot',
      'ephemeral-message': 'Cursor oder Gruß',
      'update-saved': 'Update ist gespeichert',
      'snapshot-saved': 'Snapshot ist gespeichert',
      'update-save-failed': 'Update abgelehnt',
      'snapshot-save-failed': 'Snapshot abgelehnt',
      document: 'Das Dokument',
      heartbeat: 'Lebenszeichen',
      unauthorized: 'Kein Zugriff'
    },
    shortened: (text, length) => `${text}… (${plural(length, { one: '# Zeichen', other: '# Zeichen' })})`
  }
}
